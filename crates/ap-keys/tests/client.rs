//! A keys file that is replaced while a client runs.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

mod common;

use std::error::Error as _;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ap_client::{Blocking, Client, ClientBuilder, fake};
use ap_core::{Credentials, Error, Service};
use ap_keys::{File, Store};

use common::{folder, key};

const OLD: &str = "placeholder-key-old";
const NEW: &str = "placeholder-key-new";

/// A product that accepts one key, and counts the calls that it rejects.
#[derive(Clone)]
struct Product {
    accepted: Arc<Mutex<&'static str>>,
    rejections: Arc<AtomicUsize>,
}

impl Product {
    fn accepting(key: &'static str) -> Self {
        Self {
            accepted: Arc::new(Mutex::new(key)),
            rejections: Arc::default(),
        }
    }

    fn accept(&self, key: &'static str) {
        *self.accepted.lock().unwrap() = key;
    }

    fn rejections(&self) -> usize {
        self.rejections.load(Ordering::SeqCst)
    }

    /// Returns a client of this product that has no key of its own.
    fn client(&self, source: File) -> Client<Blocking> {
        let product = self.clone();
        ClientBuilder::<Blocking>::new()
            .key_source(source)
            .min_refresh_interval(Duration::ZERO)
            .build_with(fake(move |request| {
                let accepted = Credentials::new(key(*product.accepted.lock().unwrap()));
                if request.headers().get("authorization") == Some(accepted.authorization()) {
                    return (200, "[]");
                }
                product.rejections.fetch_add(1, Ordering::SeqCst);
                (401, r#"{"error":"authentication failed"}"#)
            }))
            .unwrap()
    }
}

fn call(client: &Client<Blocking>) -> Result<u16, Error> {
    let response = client.get(Service::LeadConduit, "/user").send()?;
    Ok(response.status().as_u16())
}

#[test]
fn a_replaced_file_is_used_after_the_next_rejection_and_a_half_written_one_never() {
    let (_folder, path) = folder();
    let store = |keys: &[&str]| {
        let keys: Vec<_> = keys.iter().map(|text| key(text)).collect();
        Store::new(&path).lock().unwrap().write(&keys).unwrap();
    };
    store(&[OLD]);
    let product = Product::accepting(OLD);
    let client = product.client(File::new(&path));
    assert_eq!(call(&client).unwrap(), 200, "the first call reads the file");

    product.accept(NEW);
    let complete = format!("{OLD}\n{NEW}\n");
    let cuts = [
        0,
        OLD.len() / 2,
        OLD.len(),
        OLD.len() + 5,
        complete.len() - 1,
    ];
    for (count, cut) in cuts.into_iter().enumerate() {
        fs::write(&path, &complete[..cut]).unwrap();
        let error = call(&client).unwrap_err();
        assert!(error.is_auth(), "{error}");
        assert_eq!(
            product.rejections(),
            count + 1,
            "no part of a key was tried: {cut}"
        );
        let source = error.source().unwrap().to_string();
        assert!(source.contains("the keys file"), "{source}");
        assert!(!source.contains(NEW), "{source}");
        assert_eq!(client.keys().len(), 1, "the last good key is kept");
    }
    store(&[OLD, NEW]);
    assert_eq!(call(&client).unwrap(), 200);
    assert_eq!(product.rejections(), cuts.len() + 1);
    assert_eq!(call(&client).unwrap(), 200);
    assert_eq!(
        product.rejections(),
        cuts.len() + 1,
        "the new key is tried first"
    );
}

#[test]
fn the_error_of_a_client_without_a_key_says_why_the_file_was_not_used() {
    let (_folder, path) = folder();
    common::write(&path, &format!("{OLD}\n"), 0o644);
    let error = call(&Product::accepting(OLD).client(File::new(&path))).unwrap_err();
    assert!(!error.to_string().contains(OLD), "{error}");
    let text = error.source().unwrap().to_string();
    assert!(
        text.contains("other users can read or write the keys file"),
        "{text}"
    );
    assert!(text.contains("chmod 600"), "{text}");
    assert!(!text.contains(OLD), "{text}");
}
