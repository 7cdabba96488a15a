//! A listener on loopback that accepts one key, so that the example runs with nothing to set up.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use ap_core::unauthorized::DOCUMENTED_BODY;
use ap_core::{ApiKey, Credentials};

/// Serves until the program ends. Returns the URL.
pub(crate) fn listen(accepted: ApiKey) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let accepted = Credentials::new(accepted);
    thread::spawn(move || {
        for connection in listener.incoming() {
            // If a connection breaks, the caller notices.
            let _ = connection.and_then(|connection| answer(&connection, &accepted));
        }
    });
    Ok(url)
}

fn answer(mut connection: &TcpStream, accepted: &Credentials) -> io::Result<()> {
    let mut is_accepted = false;
    for line in BufReader::new(connection).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        is_accepted |= name.eq_ignore_ascii_case("authorization")
            && value.trim().as_bytes() == accepted.authorization().as_bytes();
    }
    let (status, body) = if is_accepted {
        ("200 OK", br#"[{"name":"An example"}]"#.as_slice())
    } else {
        ("401 Unauthorized", DOCUMENTED_BODY)
    };
    let length = body.len();
    write!(
        connection,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n",
    )?;
    connection.write_all(body)
}
