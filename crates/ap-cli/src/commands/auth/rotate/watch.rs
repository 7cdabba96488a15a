//! `ap auth rotate`: keeps the new key beside the old one until every product takes it.
//!
//! After a reset each product goes on taking the old key until somebody logs in to it. So the new key is
//! stored beside the old one, each product is asked again and again, and the old key is forgotten only
//! when no product takes it any more. Nothing is remembered but the keys file, so that the command can be
//! interrupted at any time and started again.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use ap_core::{ApiKey, MAX_KEYS, Product};
use ap_keys::Store;
use serde::Serialize;

use crate::cli::{Global, Rotate};
use crate::exit::{self, BEHIND, Failure, KEY, OTHER};
use crate::output::{self, Printed};
use crate::probe::{self, Look, Subscriptions, Verdict};
use crate::setup::Setup;
use crate::{arguments, interrupt, keys, keys_file, status};

/// Where a key is reset.
const SETTINGS: &str = "https://account.activeprospect.com/account";

/// After so many looks in a row with the same answer, a product that takes neither key, or does not say,
/// is not waited for any longer. Its servers may switch one after another, so one look is not enough.
const STEADY_LOOKS: u32 = 3;

pub(crate) fn run(global: &Global, rotate: &Rotate) -> Result<Printed, Failure> {
    if global.emulator {
        return Err(Failure::usage(
            "an emulator of this command alone has no reset to go through",
            "run `ap emulate`, and call it with --origin PRODUCT=URL",
        ));
    }
    let mut setup = Setup::new(global)?;
    let screen = Screen { json: rotate.json };
    let (home, is_new_given) = gather(rotate, &screen, &mut setup)?;
    interrupt::end_with(match home {
        Home::File(_) => "both keys are stored: `ap auth rotate` goes on",
        Home::Elsewhere => "nothing was changed: `ap auth rotate` goes on",
    });
    let mut watch = Watch {
        setup,
        home,
        screen,
        subscriptions: Vec::new(),
        seen: Vec::new(),
        is_order_open: is_new_given,
    };
    watch.run(rotate)
}

/// Where the keys are kept.
enum Home {
    File(Store),
    /// In variables or behind a command: they are only watched.
    Elsewhere,
}

/// Finds the keys, asks for the new one if it is not there yet, and gives them to the client. Whether it
/// was asked for.
fn gather(rotate: &Rotate, screen: &Screen, setup: &mut Setup) -> Result<(Home, bool), Failure> {
    if let Some(keys) = keys::from_outside()? {
        if keys.len() < 2 || rotate.new {
            return Err(Failure::usage(
                "the key does not come from the keys file, so a new one cannot be stored beside it",
                format!(
                    "set {} to the new one, or unset {} to use the file",
                    ap_keys::NEXT_KEY_VARIABLE,
                    keys::VARIABLES.join(", ")
                ),
            ));
        }
        setup.unlock_with(keys)?;
        return Ok((Home::Elsewhere, false));
    }
    let store = keys_file::store()?;
    let Some(stored) = keys_file::read(&store)? else {
        return Err(Failure::new(
            KEY,
            "there is no API key to rotate",
            "run `ap auth login` with the key that is in use, then this again",
        ));
    };
    let is_new_needed = stored.len() < 2 || rotate.new;
    setup.unlock_with(stored)?;
    if is_new_needed {
        if io::stdin().is_terminal() {
            output::say(&format!(
                "ap: reset the key at {SETTINGS}, then give the new one"
            ));
        }
        let new = keys::ask_or_read("New API key")?;
        arguments::check_for(std::slice::from_ref(&new))?;
        setup.unlock_with(add(&store, new)?)?;
        screen.show(&Event::Stored {
            keys: setup.keys.len(),
            file: output::name(store.path()),
        })?;
    }
    Ok((Home::File(store), is_new_needed))
}

/// Puts a key behind those that are stored, and says what is stored then.
fn add(store: &Store, new: ApiKey) -> Result<Vec<ApiKey>, Failure> {
    keys_file::change(store, |locked| {
        let read = || {
            locked
                .read()
                .map_err(|problem| Failure::of_source(&problem))
        };
        let mut keys = read()?.unwrap_or_default();
        match keys.iter().position(|key| same(key, &new)) {
            None if keys.len() == MAX_KEYS => {
                return Err(Failure::usage(
                    format!("{MAX_KEYS} keys are stored already"),
                    "let `ap auth rotate` finish first, or take one out of the keys file",
                ));
            }
            None => {
                keys.push(new);
                keys_file::write(locked, &keys)?;
            }
            // Somebody else was faster.
            Some(at) if at > 0 && at + 1 == keys.len() => {}
            Some(_) => {
                return Err(Failure::usage(
                    "this key is stored already, so it is not a new one",
                    format!("reset the key at {SETTINGS} first"),
                ));
            }
        }
        Ok(read()?.unwrap_or_default())
    })
}

fn same(one: &ApiKey, other: &ApiKey) -> bool {
    one.expose() == other.expose()
}

/// How a product stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Stand {
    TakesNew,
    TakesOld,
    TakesNeither,
    Unclear,
    Unreachable,
    NotSubscribed,
}

impl Stand {
    fn of(look: &Look, keys: usize) -> Self {
        match (look.verdict(), look.taken()) {
            (Verdict::Takes, Some(key)) if key + 1 == keys => Self::TakesNew,
            (Verdict::Takes, _) => Self::TakesOld,
            (Verdict::Refuses, _) => Self::TakesNeither,
            (Verdict::Unclear, _) => Self::Unclear,
            (Verdict::Unreachable, _) => Self::Unreachable,
            (Verdict::NotSubscribed, _) => Self::NotSubscribed,
        }
    }
}

/// One product, as it was seen last.
struct Seen {
    look: Look,
    stand: Stand,
    /// For how many looks in a row it has stood so.
    looks: u32,
}

impl Seen {
    /// Whether the product has to be asked again before it is known whether all are done.
    fn is_pending(&self) -> bool {
        match self.stand {
            Stand::TakesNew | Stand::NotSubscribed => false,
            Stand::TakesNeither => self.looks < STEADY_LOOKS,
            Stand::Unclear if !self.look.is_away() => self.looks < STEADY_LOOKS,
            Stand::TakesOld | Stand::Unclear | Stand::Unreachable => true,
        }
    }

    /// What stands in the way of forgetting the old key: an exit code, zero for nothing.
    fn obstacle(&self) -> u8 {
        match self.stand {
            Stand::TakesNew | Stand::NotSubscribed => 0,
            Stand::TakesOld => BEHIND,
            // The answer to `GET /user` was silent about it. The vendor's own code takes a refusal here
            // to mean that there is no such account, and the old key is of no use either.
            Stand::TakesNeither if self.look.subscribed.is_none() => 0,
            Stand::TakesNeither | Stand::Unclear | Stand::Unreachable => {
                self.look.failure().map_or(OTHER, |failure| failure.code)
            }
        }
    }
}

struct Watch {
    setup: Setup,
    home: Home,
    screen: Screen,
    subscriptions: Subscriptions,
    seen: Vec<Seen>,
    /// Whether the new key was given just now, and no product was seen to take the old one.
    is_order_open: bool,
}

impl Watch {
    fn run(&mut self, rotate: &Rotate) -> Result<Printed, Failure> {
        let begun = Instant::now();
        let mut is_told = false;
        loop {
            let looks = probe::all(&self.setup, &mut self.subscriptions)?;
            if let Some(newest) = self.moved_back(&looks) {
                self.reorder(newest)?;
            } else {
                self.take_in(looks)?;
                if rotate.once || !self.seen.iter().any(Seen::is_pending) {
                    return self.end();
                }
                if !std::mem::replace(&mut is_told, true) {
                    self.screen.say(
                        "ap: watching until every product takes the new key; Ctrl-C stops, and this command goes on later",
                    );
                }
            }
            let pause = match rotate.wait {
                None => rotate.every,
                Some(wait) => match wait.checked_sub(begun.elapsed()) {
                    None | Some(Duration::ZERO) => return self.end(),
                    Some(left) => rotate.every.min(left),
                },
            };
            std::thread::sleep(pause);
        }
    }

    /// A product moves from an older key to a newer one, never back. One that did otherwise shows that
    /// the keys stand in the wrong order: the key that it takes now is the newest.
    fn moved_back(&self, looks: &[Look]) -> Option<usize> {
        looks.iter().zip(&self.seen).find_map(|(now, before)| {
            let (now, before) = (now.taken()?, before.look.taken()?);
            (now < before).then_some(now)
        })
    }

    /// Puts a key behind the others.
    fn reorder(&mut self, newest: usize) -> Result<(), Failure> {
        let mut keys = self.setup.keys.clone();
        let key = keys.remove(newest);
        keys.push(key);
        if let Home::File(store) = &self.home {
            keys = keys_file::change(store, |locked| {
                let read = || {
                    locked
                        .read()
                        .map_err(|problem| Failure::of_source(&problem))
                };
                let stored = read()?.unwrap_or_default();
                // What another process has stored meanwhile is newer than any of ours.
                let (mut ours, others): (Vec<_>, Vec<_>) = stored
                    .into_iter()
                    .partition(|one| keys.iter().any(|key| same(key, one)));
                ours.sort_by_key(|one| keys.iter().position(|key| same(key, one)));
                ours.extend(others);
                keys_file::write(locked, &ours)?;
                Ok(read()?.unwrap_or_default())
            })?;
        }
        self.setup.unlock_with(keys)?;
        self.seen.clear();
        self.screen.show(&Event::Reordered)
    }

    /// Remembers how each product stands, and shows what has changed.
    fn take_in(&mut self, looks: Vec<Look>) -> Result<(), Failure> {
        let before = std::mem::take(&mut self.seen);
        for (at, look) in looks.into_iter().enumerate() {
            let stand = Stand::of(&look, self.setup.keys.len());
            let looks = match before.get(at) {
                Some(before) if before.stand == stand => before.looks + 1,
                _ => 1,
            };
            self.is_order_open &= stand != Stand::TakesOld;
            let seen = Seen { look, stand, looks };
            if looks == 1 {
                self.screen
                    .show(&Event::of_product(&seen, &self.setup.keys))?;
            }
            self.seen.push(seen);
        }
        Ok(())
    }

    /// Forgets the old keys if nothing stands in the way, else says what does.
    fn end(&mut self) -> Result<Printed, Failure> {
        let names = |which: &dyn Fn(&Seen) -> bool| {
            let names: Vec<_> = self
                .seen
                .iter()
                .filter(|one| which(one))
                .map(|one| one.look.product.to_string())
                .collect();
            names.join(", ")
        };
        let failure = match exit::worst(self.seen.iter().map(Seen::obstacle)) {
            Some(BEHIND) => Failure::new(
                BEHIND,
                format!(
                    "the old key is still taken by {}",
                    names(&|one| one.obstacle() == BEHIND)
                ),
                "log in there, then run `ap auth rotate` again: no key is lost",
            ),
            Some(KEY) => Failure::new(
                KEY,
                format!(
                    "neither key is taken by {}",
                    names(&|one| one.obstacle() == KEY)
                ),
                "was the key reset once more? then run `ap auth rotate --new`",
            ),
            Some(code) => Failure::new(
                code,
                format!(
                    "no clear answer from {}",
                    names(&|one| one.obstacle() == code)
                ),
                "both keys are kept: see `ap auth status`, then run `ap auth rotate` again",
            ),
            None if self.seen.iter().all(|one| one.stand != Stand::TakesNew) => Failure::new(
                KEY,
                "no product takes any of the keys",
                "check them with `ap auth status`; `ap auth login --replace` stores another one",
            ),
            None => return self.finish(),
        };
        let behind = self.seen.iter().filter(|one| one.stand == Stand::TakesOld);
        self.screen.show(&Event::Stopped {
            exit_code: failure.code,
            behind: behind.map(|one| one.look.product.id()).collect(),
        })?;
        Err(failure)
    }

    fn finish(&self) -> Result<Printed, Failure> {
        let Some((newest, old)) = self.setup.keys.split_last() else {
            return Ok(Printed::All);
        };
        let forgotten = match &self.home {
            Home::Elsewhere => 0,
            Home::File(store) => keys_file::change(store, |locked| {
                let read = locked
                    .read()
                    .map_err(|problem| Failure::of_source(&problem));
                let mut keys = read?.unwrap_or_default();
                let stored = keys.len();
                // Somebody may have logged out meanwhile, or in with another key.
                if keys.iter().any(|one| same(one, newest)) {
                    keys.retain(|one| !old.iter().any(|old| same(old, one)));
                }
                if keys.len() < stored {
                    keys_file::write(locked, &keys)?;
                }
                Ok(stored - keys.len())
            })?,
        };
        self.screen.show(&Event::Done { forgotten })?;
        if forgotten > 0 && self.is_order_open {
            // Two keys given in the wrong order right after a reset look just the same.
            self.screen.say(
                "ap: no product was seen to take the forgotten key: if it was the newer one, give it again",
            );
        }
        Ok(Printed::All)
    }
}

/// What is told while it happens.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'a> {
    Stored {
        keys: usize,
        file: String,
    },
    Product {
        product: &'static str,
        status: Stand,
        subscribed: Option<bool>,
        key: Option<&'a str>,
        http_status: Option<u16>,
        log_in_at: Option<&'a str>,
        #[serde(skip)]
        name: Product,
        #[serde(skip)]
        said: String,
    },
    Reordered,
    Done {
        forgotten: usize,
    },
    Stopped {
        exit_code: u8,
        behind: Vec<&'static str>,
    },
}

impl<'a> Event<'a> {
    fn of_product(seen: &'a Seen, keys: &'a [ApiKey]) -> Self {
        let look = &seen.look;
        let taken = look.taken().and_then(|key| keys.get(key));
        let is_old = seen.stand == Stand::TakesOld;
        Event::Product {
            product: look.product.id(),
            status: seen.stand,
            subscribed: look.subscribed,
            key: taken.map(status::label),
            http_status: look.status().map(|status| status.as_u16()),
            log_in_at: is_old.then_some(look.log_in_at.as_str()),
            name: look.product,
            said: match seen.stand {
                Stand::TakesNew => "takes the new key".to_owned(),
                Stand::TakesOld => {
                    format!("still takes the old key: log in at {}", look.log_in_at)
                }
                Stand::TakesNeither if look.subscribed.is_none() => {
                    "takes neither key; is the account subscribed to it?".to_owned()
                }
                Stand::TakesNeither => "takes neither key".to_owned(),
                Stand::Unclear | Stand::Unreachable | Stand::NotSubscribed => {
                    status::without_key(look, look.verdict())
                }
            },
        }
    }
}

/// Where it is told: lines for people, or one JSON object a line.
struct Screen {
    json: bool,
}

impl Screen {
    fn show(&self, event: &Event<'_>) -> Result<(), Failure> {
        let text = if self.json {
            output::json_line(event)?
        } else {
            match event {
                Event::Stored { file, .. } => {
                    format!("the new key is stored beside the old one in {file}\n")
                }
                Event::Product { name, said, .. } => format!("{name:<16} {said}\n"),
                Event::Reordered => {
                    "the keys stood in the wrong order, and are turned round\n".to_owned()
                }
                Event::Done { forgotten: 0 } => "every product takes the new key\n".to_owned(),
                Event::Done { .. } => {
                    "every product takes the new key: the old one is forgotten\n".to_owned()
                }
                Event::Stopped { .. } => return Ok(()),
            }
        };
        match output::print(text.as_bytes())? {
            Printed::All => Ok(()),
            // That nobody reads is no success of a rotation that goes on.
            Printed::ReaderGone => Err(Failure::new(
                BEHIND,
                "nobody reads what is shown any more",
                "run `ap auth rotate` again: no key is lost",
            )),
        }
    }

    /// A word to people beside what happens.
    fn say(&self, line: &str) {
        if !self.json {
            output::say(line);
        }
    }
}
