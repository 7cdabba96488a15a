//! A listener on loopback that takes one key, so that the examples run with nothing to set up.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use ap_core::{ApiKey, Credentials, DOCUMENTED_BODY};

/// Serves until the program ends, and gives the URL.
pub(crate) fn listen(takes: ApiKey) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let takes = Credentials::new(takes);
    thread::spawn(move || {
        for connection in listener.incoming() {
            // What becomes of one connection is the other side's to notice.
            let _ = connection.and_then(|connection| answer(&connection, &takes));
        }
    });
    Ok(url)
}

fn answer(mut connection: &TcpStream, takes: &Credentials) -> io::Result<()> {
    let mut taken = false;
    for line in BufReader::new(connection).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        taken |= name.eq_ignore_ascii_case("authorization")
            && value.trim().as_bytes() == takes.authorization().as_bytes();
    }
    let (status, body) = if taken {
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
