//! The proxy: `--proxy`, `ACTIVEPROSPECT_PROXY`, and its password. Variables of other programs are only named.

use std::io;
use std::path::Path;

use activeprospect::keys::{Readers, open_private};
use activeprospect::transport::Proxy;

use crate::failure::Failure;
use crate::options::{GlobalOptions, values};
use crate::{limited_read, output};

const VARIABLE: &str = "ACTIVEPROSPECT_PROXY";

/// The variables that other programs read. This one does not, because it sends a key.
const UNREAD_VARIABLES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "HTTP_PROXY",
    "http_proxy",
];

/// Returns the proxy of the options or of the variable.
pub(crate) fn find(options: &GlobalOptions) -> Result<Option<Proxy>, Failure> {
    let proxy = match &options.proxy {
        Some(proxy) => Some(proxy.clone()),
        None => of_variable()?,
    };
    let Some(file) = &options.proxy_auth_file else {
        return Ok(proxy);
    };
    let Some(proxy) = proxy else {
        return Err(Failure::usage(
            "--proxy-auth-file is given, and no proxy",
            format!("name the proxy with --proxy URL or {VARIABLE}"),
        ));
    };
    if proxy.authorization().is_some() {
        return Err(Failure::usage(
            format!("both --proxy-auth-file and {VARIABLE} have a user name and a password"),
            "remove one of them",
        ));
    }
    let (user, password) = read_password(file)?;
    Ok(Some(proxy.with_password(&user, &password)))
}

/// Returns the name of a proxy variable that is set and that this program does not read.
pub(crate) fn unread_variable() -> Option<&'static str> {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    UNREAD_VARIABLES.into_iter().find(is_set)
}

/// Returns `true` if the variable is set.
pub(crate) fn is_in_variable() -> bool {
    std::env::var_os(VARIABLE).is_some_and(|url| !url.is_empty())
}

fn of_variable() -> Result<Option<Proxy>, Failure> {
    let Some(url) = std::env::var_os(VARIABLE).filter(|url| !url.is_empty()) else {
        return Ok(None);
    };
    let invalid = |why: &str| {
        Failure::usage(
            format!("{VARIABLE} cannot be used: {why}"),
            "write it as http://host:port or http://user:password@host:port",
        )
    };
    let url = url.into_string().map_err(|_| invalid("it is not text"))?;
    let proxy = Proxy::parse_with_password(&url);
    let proxy = proxy.map_err(|error| invalid(&values::explain_proxy(error)))?;
    Ok(Some(proxy))
}

/// Reads a file with one line, `user:password`.
fn read_password(file: &Path) -> Result<(String, String), Failure> {
    const LIMIT_MIB: u64 = 1;
    let name = format!("the file {}", output::display_path(file));
    let hint = "write user:password on one line of a file that only you can read, and name it with --proxy-auth-file";
    let opened = open_private(file, Readers::Owner, &name)?;
    let opened = opened.ok_or_else(|| io::ErrorKind::NotFound.into());
    let bytes = limited_read::read(opened, LIMIT_MIB, &name, hint)?;
    let invalid = |what: &str| Failure::usage(format!("{name} {what}"), hint);
    let text = String::from_utf8(bytes).map_err(|_| invalid("is not UTF-8"))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.starts_with('\u{feff}') {
        return Err(invalid("begins with a byte-order mark"));
    }
    if line.contains(char::is_control) {
        return Err(invalid("has several lines or a control character"));
    }
    match line.split_once(':') {
        Some((user, password)) if !user.is_empty() => Ok((user.to_owned(), password.to_owned())),
        _ => Err(invalid("is not user:password")),
    }
}
