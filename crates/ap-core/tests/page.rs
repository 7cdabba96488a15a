//! Walking through pages.
#![allow(clippy::unwrap_used)]

use ap_core::page::Walk;
use ap_core::{Call, Draft, Endpoint, Error, ErrorKind, Page, Paged, Response, Service};
use bytes::Bytes;

/// A list whose pages are `{"items":[…],"next":…}`.
#[derive(Clone, Debug)]
struct Numbers {
    start: Option<u32>,
}

#[derive(serde::Deserialize)]
struct Body {
    items: Vec<u32>,
    next: Option<u32>,
}

impl Endpoint for Numbers {
    type Output = Page<u32, u32>;

    fn draft(&self) -> Draft {
        Draft::get(Service::LeadConduit, "/numbers").query(&[("start", self.start)])
    }

    fn decode(&self, response: Response) -> Result<Page<u32, u32>, Error> {
        let body: Body = response.error_for_status()?.json()?;
        Ok(Page::new(body.items, body.next))
    }
}

impl Paged for Numbers {
    type Item = u32;
    type Cursor = u32;

    fn starting_at(self, start: u32) -> Self {
        Self { start: Some(start) }
    }
}

fn response(walk: &Walk<Numbers>, status: u16, body: &'static str) -> Response {
    let draft = walk.due().unwrap().draft();
    let (_, called) = draft.prepare(&Default::default(), None).unwrap();
    let response = http::Response::builder().status(status);
    Response::new(
        response.body(Bytes::from_static(body.as_bytes())).unwrap(),
        called,
    )
}

fn due(walk: &Walk<Numbers>) -> Option<Option<u32>> {
    walk.due().map(|page| page.start)
}

#[test]
fn a_walk_goes_from_page_to_page_and_ends_after_the_last() {
    let mut walk = Walk::new(Numbers { start: None });
    assert_eq!(due(&walk), Some(None));
    let page = walk
        .received(response(&walk, 200, r#"{"items":[1,2],"next":3}"#))
        .unwrap();
    assert_eq!(page, Page::new(vec![1, 2], Some(3)));
    assert_eq!(due(&walk), Some(Some(3)));
    // An empty page is not the last one; only a page without a next one is.
    walk.received(response(&walk, 200, r#"{"items":[],"next":9}"#))
        .unwrap();
    assert_eq!(due(&walk), Some(Some(9)));
    let last = response(&walk, 200, r#"{"items":[9]}"#);
    assert_eq!(
        walk.received(last.clone()).unwrap(),
        Page::new(vec![9], None)
    );
    assert_eq!(due(&walk), None);
    assert_eq!(
        walk.received(last).unwrap(),
        Page::new(vec![], None),
        "nothing more comes"
    );
}

#[test]
fn after_an_error_the_same_page_is_due() {
    let mut walk = Walk::new(Numbers { start: None });
    walk.received(response(&walk, 200, r#"{"items":[1],"next":3}"#))
        .unwrap();
    for (status, body, name) in [
        (503, "", "status"),
        (200, "[", "decode"),
        (200, r#"{"items":1}"#, "decode"),
    ] {
        let error = walk.received(response(&walk, status, body)).unwrap_err();
        assert_eq!(error.name(), name);
        assert_eq!(due(&walk), Some(Some(3)));
    }
    walk.received(response(&walk, 200, r#"{"items":[3]}"#))
        .unwrap();
    assert_eq!(due(&walk), None);
}

#[test]
fn a_page_that_ends_where_it_began_is_an_error_and_no_endless_loop() {
    let mut walk = Walk::new(Numbers { start: None });
    walk.received(response(&walk, 200, r#"{"items":[1],"next":3}"#))
        .unwrap();
    let error = walk
        .received(response(&walk, 200, r#"{"items":[3],"next":3}"#))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.service(), Some(Service::LeadConduit));
    assert_eq!(
        error.to_string(),
        "the response is not as expected: the next page begins where this one began"
    );
    assert_eq!(due(&walk), Some(Some(3)));
}

#[test]
fn a_walk_continues_at_a_saved_position_and_always_knows_it() {
    let mut walk = Walk::new(Numbers { start: None }).starting_at(None);
    assert_eq!((due(&walk), walk.position()), (Some(None), None));
    walk.received(response(&walk, 200, r#"{"items":[1,2],"next":3}"#))
        .unwrap();
    assert_eq!(walk.position(), Some(&3));

    let mut walk = Walk::new(Numbers { start: None }).starting_at(Some(3));
    assert_eq!((due(&walk), walk.position()), (Some(Some(3)), Some(&3)));
    let error = walk.received(response(&walk, 200, r#"{"items":[3],"next":3}"#));
    assert_eq!(
        error.unwrap_err().kind(),
        ErrorKind::Decode,
        "its begin is known"
    );
    // This endpoint cannot tell where its last page ends.
    walk.received(response(&walk, 200, r#"{"items":[3,4]}"#))
        .unwrap();
    assert_eq!((due(&walk), walk.position()), (None, Some(&3)));
    let over = walk.starting_at(Some(9));
    assert_eq!((due(&over), over.position()), (None, Some(&3)));
}

#[test]
fn endpoints_work_by_reference_and_as_objects() {
    let call: Call<Vec<u32>> = Call::new(Draft::get(Service::LeadConduit, "/numbers"));
    let object: &dyn Endpoint<Output = Vec<u32>> = &call;
    let response = || Response::from(http::Response::new(Bytes::from_static(b"[1]")));
    assert_eq!(object.decode(response()).unwrap(), [1]);
    assert_eq!((&object).decode(response()).unwrap(), [1]);
    let first = call
        .output::<(u32,)>()
        .map(|draft| draft.query(&[("limit", 1)]));
    assert_eq!(first.decode(response()).unwrap(), (1,));
    let (request, _) = first.draft().prepare(&Default::default(), None).unwrap();
    assert_eq!(request.uri().query(), Some("limit=1"));
}
