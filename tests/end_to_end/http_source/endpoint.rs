//! An HTTP endpoint that sends scripted responses in chunks.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// One step of a response.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// A complete response with this status. A redirect leads back to the endpoint.
    Status(&'static str),
    /// A part of the body, in several chunks.
    Text(String),
    /// The regular end of the response.
    End,
    /// The connection closes before the response is complete.
    Cut,
    /// The endpoint sends nothing more until the client closes the connection.
    Silence,
    /// The endpoint sends nothing more until [`Endpoint::go_on`] is called.
    Wait,
}

/// An endpoint that plays one script per connection, in order. All further connections get the last script.
pub(super) struct Endpoint {
    pub(super) address: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    requests: Mutex<Vec<String>>,
    may_go_on: Mutex<bool>,
    changed: Condvar,
}

impl Endpoint {
    pub(super) fn start(scripts: Vec<Vec<Part>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared::default());
        let known = Arc::clone(&shared);
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let script = scripts[number.min(scripts.len() - 1)].clone();
                let shared = Arc::clone(&known);
                // An error means that the client has closed the connection, which is allowed.
                std::thread::spawn(move || play(stream.unwrap(), script, &shared));
            }
        });
        Self { address, shared }
    }

    /// Returns the heads of all requests.
    pub(super) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    pub(super) fn go_on(&self) {
        *self.shared.may_go_on.lock().unwrap() = true;
        self.shared.changed.notify_all();
    }
}

fn play(mut stream: TcpStream, script: Vec<Part>, shared: &Shared) -> std::io::Result<()> {
    let mut request = [0; 8192];
    let read = stream.read(&mut request)?;
    let head = String::from_utf8_lossy(&request[..read]).into_owned();
    shared.requests.lock().unwrap().push(head);
    if let [Part::Status(status)] = script[..] {
        let answer = format!(
            "HTTP/1.1 {status}\r\nlocation: /\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        return stream.write_all(answer.as_bytes());
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
    for part in script {
        match part {
            Part::Text(text) => {
                // Chunks end in the middle of records, and in the middle of characters.
                for chunk in text.as_bytes().chunks(997) {
                    write!(stream, "{:x}\r\n", chunk.len())?;
                    stream.write_all(chunk)?;
                    stream.write_all(b"\r\n")?;
                }
            }
            Part::End => stream.write_all(b"0\r\n\r\n")?,
            Part::Silence => while stream.read(&mut request)? > 0 {},
            Part::Wait => {
                let waiting = shared.may_go_on.lock().unwrap();
                let _passed = shared.changed.wait_while(waiting, |go_on| !*go_on).unwrap();
            }
            Part::Cut | Part::Status(_) => break,
        }
    }
    stream.shutdown(std::net::Shutdown::Write)?;
    // Waits until the client has received everything.
    while stream.read(&mut request)? > 0 {}
    Ok(())
}
