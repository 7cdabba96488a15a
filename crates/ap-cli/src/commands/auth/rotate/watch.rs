//! [`Watch`]: checks the products until all of them accept the newest key.

use std::time::{Duration, Instant};

use activeprospect::{ApiKey, Product};

use super::Args;
use super::event::{Event, EventPrinter};
use super::evidence::{Answer, Decision, Evidence};
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
    /// The products that the account has: they were listed as subscribed, or accepted a key.
    present: Vec<Product>,
    /// The key that was entered in this run.
    entered: Option<ApiKey>,
    /// The last check of each product.
    products: Vec<WatchedProduct>,
    evidence: Evidence,
    /// The new key was entered in this run, and no product was seen to accept the old one. Then nothing shows
    /// which of them is newer.
    is_order_unproved: bool,
}

impl Watch {
    pub(super) fn new(
        session: Session,
        location: KeyLocation,
        printer: EventPrinter,
        entered: Option<ApiKey>,
        every: Duration,
    ) -> Self {
        Self {
            location,
            printer,
            subscriptions: Vec::new(),
            present: Vec::new(),
            products: Vec::new(),
            evidence: new_evidence(&session.keys, entered.as_ref(), every),
            is_order_unproved: entered.is_some(),
            entered,
            session,
        }
    }

    pub(super) fn run(&mut self, args: &Args) -> Result<Printed, Failure> {
        let started = Instant::now();
        let mut is_waiting_announced = false;
        loop {
            let at = started.elapsed();
            let checks = check_products(&self.session, &mut self.subscriptions)?;
            self.update(at, checks)?;
            match self.evidence.decide() {
                Decision::Remove(old) => return self.finish(&old),
                Decision::End => return self.stop(),
                Decision::Wait if args.once && !self.evidence.is_nearly_complete() => {
                    return self.stop();
                }
                Decision::Wait => {}
                Decision::MakeNewest(newest) => self.reorder(newest, args.every)?,
            }
            if !args.once && !std::mem::replace(&mut is_waiting_announced, true) {
                self.printer.remark(
                    "ap: waiting until every product accepts the new key in three checks in a row; \
                     press Ctrl-C to stop; run the command again to resume",
                );
            }
            let retry_after = self.retry_after();
            let mut pause = args.every.max(retry_after);
            if let Some(wait) = args.wait {
                let remaining = wait.saturating_sub(started.elapsed());
                if remaining.is_zero() || retry_after > remaining {
                    return self.stop();
                }
                pause = pause.min(remaining);
            }
            std::thread::sleep(pause);
        }
    }

    /// Makes a key the newest.
    fn reorder(&mut self, newest: usize, every: Duration) -> Result<(), Failure> {
        let mut keys = self.session.keys.clone();
        let key = keys.remove(newest);
        keys.push(key);
        let stored = self.location.reorder(&keys)?;
        let is_same = stored.len() == keys.len()
            && stored
                .iter()
                .zip(&keys)
                .all(|(one, other)| one.is_same(other));
        if is_same {
            self.evidence.make_newest(newest);
        } else {
            // Another process has changed the list, so what was seen is about another one.
            self.evidence = new_evidence(&stored, self.entered.as_ref(), every);
        }
        self.session.set_keys(stored)?;
        self.products.clear();
        self.printer.print(&Event::Reordered)
    }

    /// Remembers the checks, and prints what has changed.
    fn update(&mut self, at: Duration, checks: Vec<ProductCheck>) -> Result<(), Failure> {
        let before = std::mem::take(&mut self.products);
        for (index, mut check) in checks.into_iter().enumerate() {
            self.remember_presence(&mut check);
            let watched = WatchedProduct::new(check, self.session.keys.len());
            self.is_order_unproved &= watched.state != ProductState::AcceptsOld;
            let before = before.get(index);
            if before.is_none_or(|before| before.state != watched.state) {
                self.printer
                    .print(&Event::of_product(&watched, &self.session.keys))?;
            }
            self.products.push(watched);
        }
        let answers: Vec<Answer> = self.products.iter().map(WatchedProduct::answer).collect();
        self.evidence.add(at, &answers);
        Ok(())
    }

    /// Remembers that the account has a product. If it rejects every key later, and nothing says that the account has
    /// it, it does not count as one that the account does not have: the old key may still be needed there.
    fn remember_presence(&mut self, check: &mut ProductCheck) {
        let is_accepted = check.accepted_key().is_some();
        let is_present = self.present.contains(&check.product);
        if (is_accepted || check.is_subscribed == Some(true)) && !is_present {
            self.present.push(check.product);
        } else if check.is_subscribed.is_none() && is_present && !is_accepted {
            check.is_subscribed = Some(true);
        }
    }

    /// Returns the longest time that a product asks to wait.
    fn retry_after(&self) -> Duration {
        let products = self.products.iter();
        let times = products.filter_map(|watched| watched.check.retry_after());
        times.max().unwrap_or_default()
    }

    /// Ends with both keys kept, and says why.
    fn stop(&self) -> Result<Printed, Failure> {
        let failure = self.failure();
        let behind = self.products.iter();
        let behind = behind.filter(|watched| watched.state == ProductState::AcceptsOld);
        self.printer.print(&Event::Stopped {
            exit_code: failure.code.number(),
            behind: behind.map(|watched| watched.check.product.id()).collect(),
        })?;
        Err(failure)
    }

    fn failure(&self) -> Failure {
        let is_rejected = |watched: &WatchedProduct| {
            matches!(
                watched.state,
                ProductState::AcceptsNeither | ProductState::NotSubscribed
            )
        };
        if self.products.iter().all(is_rejected) {
            return Failure::new(
                ExitCode::NoAcceptedKey,
                "no product accepts any of the keys",
                "check them with `ap auth status`; `ap auth login --replace` stores another one",
            );
        }
        let products = self.products.iter();
        let obstacles = products.clone().filter_map(WatchedProduct::obstacle);
        let Some(code) = ExitCode::most_serious(obstacles) else {
            return Failure::new(
                ExitCode::Behind,
                "every product accepts the new key, but not yet in three checks in a row",
                "run `ap auth rotate` again; no key is lost",
            );
        };
        let names: Vec<_> = products
            .filter(|watched| watched.obstacle() == Some(code))
            .map(|watched| watched.check.product.to_string())
            .collect();
        let names = names.join(", ");
        let retry_after = self.retry_after().as_secs();
        let (message, hint) = match code {
            ExitCode::Behind => (
                format!("the old key is still accepted by {names}"),
                "log in there, then run `ap auth rotate` again; no key is lost".to_owned(),
            ),
            ExitCode::NoAcceptedKey => (
                format!("neither key is accepted by {names}"),
                "if the key was reset again, run `ap auth rotate --new`".to_owned(),
            ),
            ExitCode::TryLater if retry_after > 0 => (
                format!("no clear answer from {names}"),
                format!("both keys are kept; run `ap auth rotate` again in {retry_after} s"),
            ),
            _ => (
                format!("no clear answer from {names}"),
                "both keys are kept; see `ap auth status`, then run `ap auth rotate` again"
                    .to_owned(),
            ),
        };
        Failure::new(code, message, hint)
    }

    /// Removes the old keys, which no product needs any more.
    fn finish(&self, old: &[usize]) -> Result<Printed, Failure> {
        let keys = &self.session.keys;
        let Some(newest) = keys.last() else {
            return Ok(Printed::All);
        };
        let old: Vec<_> = old.iter().filter_map(|key| keys.get(*key)).collect();
        let removed = self.location.remove_old(newest, &old)?;
        self.printer.print(&Event::Done { forgotten: removed })?;
        let is_newest = |entered: &ApiKey| entered.is_same(newest);
        if self
            .entered
            .as_ref()
            .is_some_and(|entered| !is_newest(entered))
        {
            self.printer.remark(
                "ap: the key that you entered is kept, although it is not the newest; \
                 when you are sure of that, run `ap auth rotate` again to remove it",
            );
        } else if removed > 0 && self.is_order_unproved {
            // Two keys in the wrong order right after a reset look the same.
            self.printer.remark(
                "ap: no product was seen to accept the removed key; if it is the newer one, enter it again",
            );
        }
        Ok(Printed::All)
    }
}

fn new_evidence(keys: &[ApiKey], entered: Option<&ApiKey>, every: Duration) -> Evidence {
    let entered = entered.and_then(|entered| keys.iter().position(|key| key.is_same(entered)));
    Evidence::new(keys.len(), entered, every)
}
