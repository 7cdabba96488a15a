//! `ap auth login`: checks a key with the products, and stores it.

use activeprospect::ApiKey;
use activeprospect::keys::Error;

use super::product_check::{ProductCheck, Verdict, check_products};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::keys::{file, prompt};
use crate::options::GlobalOptions;
use crate::output::{self, Printed};
use crate::session::Session;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Replace the keys that are stored.
    #[arg(long)]
    replace: bool,
    /// Store the key without checking that a product accepts it.
    #[arg(long)]
    no_check: bool,
}

pub(super) fn run(args: &Args, options: &GlobalOptions) -> Result<Printed, Failure> {
    let store = options.account.store()?;
    let path = output::display_path(store.path());
    let mut session = Session::without_keys(options)?;
    let key = prompt::ask_or_read("API key")?;
    session.set_keys(vec![key.clone()])?;
    count_replaced(store.read(), &key, args, &path)?;
    let remarks = if args.no_check {
        Vec::new()
    } else {
        check(&session)?
    };
    let replaced = file::change(&store, |locked| {
        // Again, because another process may have stored a key meanwhile.
        let replaced = count_replaced(locked.read(), &key, args, &path)?;
        file::write(locked, std::slice::from_ref(&key))?;
        Ok(replaced)
    })?;
    output::eprintln(&match replaced {
        0 => format!("ap: the key is stored in {path}"),
        1 => format!("ap: the key is stored in {path} and replaces another one"),
        more => format!("ap: the key is stored in {path} and replaces {more} others"),
    });
    for remark in remarks {
        output::eprintln(&format!("     {remark}"));
    }
    for variable in options.account.variables_in_use() {
        output::eprintln(&format!(
            "     {variable} is set and is used first; unset it to use the file"
        ));
    }
    Ok(Printed::All)
}

/// Returns how many other keys the new one replaces, which must be none without `--replace`.
fn count_replaced(
    stored: Result<Option<Vec<ApiKey>>, Error>,
    key: &ApiKey,
    args: &Args,
    path: &str,
) -> Result<usize, Failure> {
    let stored = match stored {
        // A file that cannot be read has no usable key, so `--replace` replaces it too.
        Err(_) if args.replace => Vec::new(),
        stored => stored?.unwrap_or_default(),
    };
    let others = stored.iter().filter(|other| !other.is_same(key)).count();
    if others > 0 && !args.replace {
        return Err(Failure::usage(
            format!("{path} contains another key already"),
            "after a reset, run `ap auth rotate`; to replace the key, run `ap auth login --replace`",
        ));
    }
    Ok(others)
}

/// Fails if every product rejects the key. Otherwise returns what to say about those that did not accept it.
fn check(session: &Session) -> Result<Vec<String>, Failure> {
    let checks = check_products(session, &mut Vec::new())?;
    let mut asked = checks
        .iter()
        .filter(|check| check.verdict() != Verdict::NotSubscribed);
    if asked.all(|check| check.verdict() == Verdict::Rejects) {
        return Err(Failure::new(
            ExitCode::NoAcceptedKey,
            "no product accepts this key, so it is not stored",
            "copy the key again; to store it all the same, use --no-check",
        ));
    }
    Ok(checks.iter().filter_map(remark).collect())
}

/// Says why it is not known that the product accepts the key.
fn remark(check: &ProductCheck) -> Option<String> {
    let product = check.product;
    Some(match check.verdict() {
        Verdict::Accepts | Verdict::NotSubscribed => return None,
        Verdict::Rejects => {
            let condition = if check.may_be_unsubscribed() {
                "if the account is subscribed to it"
            } else {
                "after a reset"
            };
            let url = &check.login_url;
            format!("{product} rejects the key; {condition}, log in at {url}")
        }
        Verdict::Unreachable => {
            format!("{product} cannot be reached, so the key was not checked there")
        }
        Verdict::Unclear => format!("{product} {}", check.describe_without_key()),
    })
}
