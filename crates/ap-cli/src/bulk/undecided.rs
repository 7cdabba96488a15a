//! [`Undecided`]: rows that the server has not decided about, until it is known if that is because of the rows or of the
//! server. Pure: it waits for nothing and sends nothing.
//!
//! A row fails only after the server has decided about another call, and then still not about this row. If the server
//! decides about nothing, nothing is known of these rows, and they are left for the next run.

/// How many calls in a row may have no decision before the server counts as not there.
const MAX_IN_A_ROW: usize = 3;

/// The rows that the server has not decided about since it decided about a call for the last time.
#[derive(Debug)]
pub(super) struct Undecided<R> {
    rows: Vec<R>,
    /// How many of the calls since then were for rows that are not kept here, because their results are written.
    others: usize,
    has_decided: bool,
    /// The rows must not be sent twice.
    is_at_most_once: bool,
}

impl<R> Undecided<R> {
    pub(super) const fn new(is_at_most_once: bool) -> Self {
        Self {
            rows: Vec::new(),
            others: 0,
            has_decided: false,
            is_at_most_once,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Keeps a row that the server has not decided about.
    pub(super) fn keep(&mut self, row: R) {
        self.rows.push(row);
    }

    /// Notes a row that may have been applied, and whose result says so.
    pub(super) fn note_unknown(&mut self) {
        self.others += 1;
    }

    /// Notes that the server has decided about a call. Returns the rows, each of which gets one more attempt.
    pub(super) fn note_decision(&mut self) -> Vec<R> {
        self.has_decided = true;
        self.others = 0;
        std::mem::take(&mut self.rows)
    }

    /// Returns `true` if so many calls in a row have no decision that no other row should be sent now.
    pub(super) fn are_too_many(&self) -> bool {
        // A person has to look for each lead that may have been accepted. So the first one is enough if the server has not
        // shown yet that it is there.
        let most = match self.is_at_most_once && !self.has_decided {
            true => 1,
            false => MAX_IN_A_ROW,
        };
        self.rows.len() + self.others >= most
    }

    /// Forgets the rows, because the run ends.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_tried_once_more_after_a_decision_and_three_in_a_row_are_too_many() {
        let mut undecided = Undecided::new(false);
        for row in 1..=3 {
            assert!(!undecided.are_too_many());
            undecided.keep(row);
        }
        assert!(undecided.are_too_many());
        assert_eq!(undecided.note_decision(), [1, 2, 3]);
        assert!(undecided.is_empty() && !undecided.are_too_many());
    }

    #[test]
    fn of_leads_one_is_too_many_before_the_first_decision_and_three_after_it() {
        let mut undecided = Undecided::<u64>::new(true);
        undecided.note_unknown();
        assert!(undecided.are_too_many());
        undecided.note_decision();
        undecided.note_unknown();
        undecided.keep(2);
        assert!(!undecided.are_too_many());
        undecided.note_unknown();
        assert!(undecided.are_too_many());
    }
}
