//! Replaces a keys file while a client runs, and goes through a rejected key.
//!
//! ```text
//! cargo run -p ap-keys --example keys_from_a_file
//! ```
//!
//! It sends nothing: a fake transport takes the place of LeadConduit. No key is printed, only labels, which
//! say where a key comes from.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ap_client::{Blocking, ClientBuilder, fake};
use ap_core::{ApiKey, Credentials, Product, Service};
use ap_keys::{File, Store};

fn main() -> Result<(), Box<dyn Error>> {
    // Keys that were made up for this example.
    let old_key = ApiKey::parse("example-key-old")?;
    let both_keys = [old_key.clone(), ApiKey::parse("example-key-new")?];

    // A keys file, which only its owner can read.
    let folder = tempfile::tempdir()?;
    let store = Store::new(folder.path().join("keys"));
    store.lock()?.write(std::slice::from_ref(&old_key))?;

    // LeadConduit accepts the old key, and after the login only the new one.
    let is_logged_in = Arc::new(AtomicBool::new(false));
    let lead_conduit = {
        let [old, new] = both_keys.clone().map(Credentials::new);
        let is_logged_in = Arc::clone(&is_logged_in);
        fake(move |request| {
            let accepted = if is_logged_in.load(Ordering::SeqCst) {
                &new
            } else {
                &old
            };
            if request.headers().get("authorization") == Some(accepted.authorization()) {
                (200, "[]")
            } else {
                println!("  LeadConduit rejects the key");
                (401, r#"{"error":"authentication failed"}"#)
            }
        })
    };

    // The client has no key yet. It reads the file when it needs one.
    let client = ClientBuilder::<Blocking>::new()
        .key_source(File::new(store.path()))
        .build_with(lead_conduit)?;
    let call = || -> Result<(), Box<dyn Error>> {
        let response = client.get(Service::LeadConduit, "/flows").send()?;
        let status = response.error_for_status()?.status();
        let key = client.keys().preferred(Product::LeadConduit);
        println!("  {status}, with {:?}", key.ok_or("there is no key")?);
        Ok(())
    };

    println!("The file has the old key.");
    call()?;

    println!("The key was reset: the file gets both, and someone logs in to LeadConduit.");
    store.lock()?.write(&both_keys)?;
    is_logged_in.store(true, Ordering::SeqCst);
    call()?;

    println!("The new key is tried first from now on.");
    call()
}
