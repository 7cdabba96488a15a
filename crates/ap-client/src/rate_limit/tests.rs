//! The starts that a rate limit gives, against its promise.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn at(milliseconds: u64) -> Moment {
    Moment::after_start(Duration::from_millis(milliseconds))
}

fn limit(calls: u32, milliseconds: u64) -> RateLimit {
    RateLimit::new(calls, Duration::from_millis(milliseconds)).unwrap()
}

fn start(limit: &RateLimit, now: u64) -> u128 {
    let reserved = limit.reserve(at(now), Deadline::NEVER).unwrap();
    let start = reserved.at().since_start().as_millis();
    reserved.begun();
    start
}

#[test]
fn calls_start_at_once_until_the_limit_and_then_as_the_oldest_ones_pass() {
    let limit = limit(3, 1_000);
    let starts = [0, 100, 200, 200, 200, 200, 1_500, 5_000].map(|now| start(&limit, now));
    assert_eq!(starts, [0, 100, 200, 1_000, 1_100, 1_200, 2_000, 5_000]);
    assert_eq!(
        limit.starts().starts.len(),
        1,
        "the others do not matter any more"
    );
}

#[test]
fn a_call_that_cannot_start_before_its_deadline_fails_and_takes_no_start() {
    let limit = limit(1, 1_000);
    start(&limit, 0);
    let deadline = |milliseconds| Deadline::after(at(0), Duration::from_millis(milliseconds));
    for milliseconds in [300, 1_000] {
        let error = limit
            .reserve(at(200), deadline(milliseconds))
            .err()
            .unwrap();
        assert_eq!(error.retry_after(), Some(Duration::from_millis(800)));
    }
    let reserved = limit.reserve(at(200), deadline(1_001)).unwrap();
    assert_eq!(reserved.at(), at(1_000));
}

#[test]
fn a_start_that_is_given_back_is_the_next_calls() {
    let limit = limit(1, 1_000);
    start(&limit, 0);
    let reserved = [1, 2, 3].map(|_| limit.reserve(at(1), Deadline::NEVER).unwrap());
    let [first, second, third] = reserved;
    drop(first);
    assert_eq!(start(&limit, 2), 1_000, "the gap is filled");
    assert_eq!(start(&limit, 3), 4_000);
    drop(second);
    assert_eq!(
        start(&limit, 2_001),
        5_000,
        "a start that passed is nobody's"
    );
    drop(third);
    drop(
        (1..=1_000)
            .map(|_| limit.reserve(at(2_002), Deadline::NEVER))
            .collect::<Vec<_>>(),
    );
    assert_eq!(
        start(&limit, 2_003),
        3_000,
        "a thousand calls that gave up hold nobody back"
    );
    assert_eq!(start(&limit, 2_004), 6_000);
}

#[test]
fn a_limit_of_nothing_cannot_be_built() {
    for (calls, per) in [(0, Duration::from_secs(1)), (1, Duration::ZERO)] {
        assert!(RateLimit::new(calls, per).is_err());
    }
}

/// What calls do, one after another.
#[derive(Clone, Debug)]
enum Step {
    /// So many milliseconds pass.
    Pass(u64),
    /// A call reserves its start.
    Reserve,
    /// One of the calls that wait gives up.
    GiveUp(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0_u64..300).prop_map(Step::Pass),
        4 => Just(Step::Reserve),
        2 => any::<prop::sample::Index>().prop_map(Step::GiveUp),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_more_calls_start_than_the_limit_says(calls in 1_u32..5, steps in steps()) {
        const PER: u64 = 100;
        let limit = limit(calls, PER);
        let (mut now, mut waiting, mut started) = (0, Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Pass(time) => now += time,
                Step::Reserve => {
                    let reserved = limit.reserve(at(now), Deadline::NEVER).unwrap();
                    prop_assert!(reserved.at() >= at(now));
                    waiting.push(reserved);
                }
                Step::GiveUp(_) if waiting.is_empty() => {}
                Step::GiveUp(nth) => drop(waiting.swap_remove(nth.index(waiting.len()))),
            }
            let is_due = |reserved: &ReservedStart<'_>| reserved.at() <= at(now);
            let (due, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_due);
            waiting = rest;
            for reserved in due {
                started.push(reserved.at());
                reserved.begun();
            }
            if waiting.is_empty() {
                // Nobody waits, so a call waits only for what has started.
                let recent = |start: &&Moment| start.after(Duration::from_millis(PER)) > at(now);
                let is_free = started.iter().filter(recent).count() < usize::try_from(calls).unwrap();
                let reserved = limit.reserve(at(now), Deadline::NEVER).unwrap();
                prop_assert_eq!(reserved.at() == at(now), is_free);
            }
        }
        let last = waiting.iter().map(ReservedStart::at);
        let mut all: Vec<_> = started.iter().copied().chain(last).collect();
        all.sort_unstable();
        let calls = usize::try_from(calls).unwrap();
        for (first, next) in all.iter().zip(all.iter().skip(calls)) {
            prop_assert!(*next >= first.after(Duration::from_millis(PER)), "{:?}", all);
        }
        drop(waiting);
        let mut starts = limit.starts();
        starts.forget_until(at(now + PER * 1_000));
        prop_assert_eq!((starts.starts.len(), starts.free), (0, 0));
    }
}
