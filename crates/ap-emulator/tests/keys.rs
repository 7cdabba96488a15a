//! Which key each product accepts after resets and logins, and where no key may appear.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use ap_emulator::{Emulator, Fault, Product, StartError};
use common::{basic, control, send, status_of, with_key};

/// Every order in which somebody can log in to none, some or all of the products.
fn orders() -> Vec<Vec<Product>> {
    let mut all = vec![Vec::new()];
    let mut from = 0;
    while from < all.len() {
        for product in Product::ALL {
            if !all[from].contains(&product) {
                let mut longer = all[from].clone();
                longer.push(product);
                all.push(longer);
            }
        }
        from += 1;
    }
    all
}

#[test]
fn a_login_brings_the_new_key_to_that_product_only() {
    let orders = orders();
    assert_eq!(orders.len(), 1 + 3 + 6 + 6);
    let emulator = Emulator::start().unwrap();
    for order in orders {
        for product in Product::ALL {
            emulator.login(product);
        }
        let old = emulator.key();
        let new = emulator.reset();
        assert_eq!(emulator.key(), new);
        let expect = |logged_in: &[Product]| {
            for product in Product::ALL {
                let (rejected, accepted) = if logged_in.contains(&product) {
                    (&old, &new)
                } else {
                    (&new, &old)
                };
                assert_eq!(
                    status_of(&emulator, product, accepted),
                    200,
                    "{logged_in:?} {product}"
                );
                assert_eq!(
                    status_of(&emulator, product, rejected),
                    401,
                    "{logged_in:?} {product}"
                );
            }
        };
        expect(&[]);
        for done in 1..=order.len() {
            emulator.login(order[done - 1]);
            expect(&order[..done]);
        }
    }
}

#[test]
fn a_login_brings_the_newest_of_several_keys() {
    let emulator = Emulator::start().unwrap();
    let keys = [emulator.key(), emulator.reset(), emulator.reset()];
    emulator.login(Product::TrustedForm);
    emulator.login(Product::TrustedForm);
    for (key, trusted_form, others) in [
        (&keys[0], 401, 200),
        (&keys[1], 401, 401),
        (&keys[2], 200, 401),
    ] {
        assert_eq!(
            status_of(&emulator, Product::TrustedForm, key),
            trusted_form
        );
        assert_eq!(status_of(&emulator, Product::LeadConduit, key), others);
        assert_eq!(status_of(&emulator, Product::SuppressionList, key), others);
    }
    let state = emulator.state();
    assert_eq!(state.generation, 3);
    assert_eq!(state.product(Product::TrustedForm).generation, 3);
    assert_eq!(state.product(Product::LeadConduit).generation, 1);
}

#[test]
fn lead_conduit_returns_the_key_that_it_accepts() {
    let emulator = Emulator::start().unwrap();
    let old = emulator.key();
    let new = emulator.reset();
    let returned = |key: &str| {
        let url = emulator.url(Product::LeadConduit);
        send(url, "GET", "/user", &with_key(key), "").json()["api_key"].clone()
    };
    assert_eq!(returned(&old), *old);
    emulator.login(Product::LeadConduit);
    assert_eq!(returned(&new), *new);
}

#[test]
fn keys_have_their_documented_form_and_never_repeat() {
    let emulator = Emulator::start().unwrap();
    let other = Emulator::start().unwrap();
    let keys = [
        emulator.key(),
        other.key(),
        emulator.reset(),
        emulator.reset(),
    ];
    for (key, generation) in keys.iter().zip([1, 1, 2, 3]) {
        let random = key
            .strip_prefix(&format!("emulator-{generation}-"))
            .unwrap();
        assert_eq!(random.len(), 24);
        assert!(
            random
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        );
    }
    for (index, key) in keys.iter().enumerate() {
        assert!(!keys[index + 1..].contains(key));
    }
    for key in &keys[1..] {
        assert_eq!(status_of(&emulator, Product::LeadConduit, key), 401);
    }
}

#[test]
fn no_key_appears_in_debug_output_state_or_refusals() {
    let emulator = Emulator::start().unwrap();
    let builder = Emulator::builder();
    let accepted = emulator.key();
    let newest = emulator.reset();
    let received = "received-and-refused";
    for product in Product::ALL {
        assert_eq!(status_of(&emulator, product, received), 401);
        assert_eq!(status_of(&emulator, product, &accepted), 200);
    }
    let fault = Fault::cut(Product::LeadConduit);
    let state = control(&emulator, "GET", "state", "");
    let refusal = send(
        emulator.url(Product::LeadConduit),
        "GET",
        "/",
        &with_key(received),
        "",
    );
    let refused_twice = send(
        emulator.url(Product::LeadConduit),
        "GET",
        "/",
        &format!(
            "{}{}",
            basic(&format!("X:{received}")),
            basic(&format!("X:{accepted}"))
        ),
        "",
    );
    let shown = [
        format!("{emulator:?} {emulator:#?} {builder:?} {fault:?}"),
        format!("{:?}", emulator.state()),
        format!("{state:?} {}", state.text()),
        format!("{refusal:?} {}", refusal.text()),
        format!("{refused_twice:?} {}", refused_twice.text()),
        format!(
            "{:?}",
            StartError::PortInUse {
                port: 1,
                product: Product::LeadConduit
            }
        ),
    ];
    for text in shown {
        for key in [&accepted, &newest, received] {
            let random = key.rsplit('-').next().unwrap();
            assert!(!text.contains(random), "{text}");
        }
    }
}
