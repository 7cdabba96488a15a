//! [`Watch`]: checks the products until all of them accept the newest key.

use std::time::{Duration, Instant};

use super::Args;
use super::event::{Event, EventPrinter};
use super::key_location::KeyLocation;
use super::product_state::{ProductState, WatchedProduct};
use crate::commands::auth::product_check::{ProductCheck, Subscriptions, check_products};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::Printed;
use crate::session::Session;

pub(super) struct Watch {
    session: Session,
    location: KeyLocation,
    printer: EventPrinter,
    subscriptions: Subscriptions,
    /// The last check of each product.
    products: Vec<WatchedProduct>,
    /// The new key was entered in this run, and no product was seen to accept the old one. Then nothing shows
    /// which of them is newer.
    is_order_unproved: bool,
}

impl Watch {
    pub(super) fn new(
        session: Session,
        location: KeyLocation,
        printer: EventPrinter,
        is_new_given: bool,
    ) -> Self {
        Self {
            session,
            location,
            printer,
            subscriptions: Vec::new(),
            products: Vec::new(),
            is_order_unproved: is_new_given,
        }
    }

    pub(super) fn run(&mut self, args: &Args) -> Result<Printed, Failure> {
        let started = Instant::now();
        let mut is_waiting_announced = false;
        loop {
            let checks = check_products(&self.session, &mut self.subscriptions)?;
            if let Some(newest) = self.newest_by_return(&checks) {
                self.reorder(newest)?;
            } else {
                self.update(checks)?;
                if args.once || !self.products.iter().any(WatchedProduct::is_pending) {
                    return self.end();
                }
                if !std::mem::replace(&mut is_waiting_announced, true) {
                    self.printer.remark(
                        "ap: waiting until every product accepts the new key; \
                         press Ctrl-C to stop; run the command again to resume",
                    );
                }
            }
            let pause = match args.wait {
                None => args.every,
                Some(wait) => match wait.checked_sub(started.elapsed()) {
                    None | Some(Duration::ZERO) => return self.end(),
                    Some(remaining) => args.every.min(remaining),
                },
            };
            std::thread::sleep(pause);
        }
    }

    /// Returns the key that a product accepts now, if it accepted a later one of the list before.
    ///
    /// A product changes from an older key to a newer one, and never back. So the list is in the wrong order, and
    /// this key is the newest.
    fn newest_by_return(&self, checks: &[ProductCheck]) -> Option<usize> {
        checks.iter().zip(&self.products).find_map(|(now, before)| {
            let (now, before) = (now.accepted_key()?, before.check.accepted_key()?);
            (now < before).then_some(now)
        })
    }

    /// Makes a key the newest.
    fn reorder(&mut self, newest: usize) -> Result<(), Failure> {
        let mut keys = self.session.keys.clone();
        let key = keys.remove(newest);
        keys.push(key);
        self.session.set_keys(self.location.reorder(keys)?)?;
        self.products.clear();
        self.printer.print(&Event::Reordered)
    }

    /// Remembers the checks, and prints what has changed.
    fn update(&mut self, checks: Vec<ProductCheck>) -> Result<(), Failure> {
        let before = std::mem::take(&mut self.products);
        for (index, check) in checks.into_iter().enumerate() {
            let watched = WatchedProduct::new(check, self.session.keys.len(), before.get(index));
            self.is_order_unproved &= watched.state != ProductState::AcceptsOld;
            if watched.has_changed() {
                self.printer
                    .print(&Event::of_product(&watched, &self.session.keys))?;
            }
            self.products.push(watched);
        }
        Ok(())
    }

    /// Removes the old keys if no product is an obstacle, otherwise says what is.
    fn end(&mut self) -> Result<Printed, Failure> {
        let Some(failure) = self.failure() else {
            return self.finish();
        };
        let behind = self.products.iter();
        let behind = behind.filter(|watched| watched.state == ProductState::AcceptsOld);
        self.printer.print(&Event::Stopped {
            exit_code: failure.code.number(),
            behind: behind.map(|watched| watched.check.product.id()).collect(),
        })?;
        Err(failure)
    }

    fn failure(&self) -> Option<Failure> {
        let obstacles = self.products.iter().filter_map(WatchedProduct::obstacle);
        let Some(code) = ExitCode::most_serious(obstacles) else {
            let mut products = self.products.iter();
            let is_accepted = products.any(|watched| watched.state == ProductState::AcceptsNew);
            return (!is_accepted).then(|| {
                Failure::new(
                    ExitCode::NoAcceptedKey,
                    "no product accepts any of the keys",
                    "check them with `ap auth status`; `ap auth login --replace` stores another one",
                )
            });
        };
        let products = self.products.iter();
        let names: Vec<_> = products
            .filter(|watched| watched.obstacle() == Some(code))
            .map(|watched| watched.check.product.to_string())
            .collect();
        let names = names.join(", ");
        let (message, hint) = match code {
            ExitCode::Behind => (
                format!("the old key is still accepted by {names}"),
                "log in there, then run `ap auth rotate` again; no key is lost",
            ),
            ExitCode::NoAcceptedKey => (
                format!("neither key is accepted by {names}"),
                "if the key was reset again, run `ap auth rotate --new`",
            ),
            _ => (
                format!("no clear answer from {names}"),
                "both keys are kept; see `ap auth status`, then run `ap auth rotate` again",
            ),
        };
        Some(Failure::new(code, message, hint))
    }

    fn finish(&self) -> Result<Printed, Failure> {
        let Some((newest, old)) = self.session.keys.split_last() else {
            return Ok(Printed::All);
        };
        let removed = self.location.remove_old(newest, old)?;
        self.printer.print(&Event::Done { forgotten: removed })?;
        if removed > 0 && self.is_order_unproved {
            // Two keys in the wrong order right after a reset look the same.
            self.printer.remark(
                "ap: no product was seen to accept the removed key; if it is the newer one, enter it again",
            );
        }
        Ok(Printed::All)
    }
}
