//! Every reason why a request is not sent, over real sockets.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use super::*;

/// Long enough for any connection on this machine that comes about at all.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn nobody_listens() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let address = socket.local_addr().unwrap();
    for scheme in ["http", "https"] {
        assert_eq!(unsent(&format!("{scheme}://{address}")).await, Some(Unsent::Refused));
    }
}

#[tokio::test]
async fn a_name_without_an_address() {
    for scheme in ["http", "https"] {
        let url = format!("{scheme}://no-such-host.invalid");
        assert_eq!(unsent(&url).await, Some(Unsent::Dns));
    }
}

#[tokio::test]
async fn a_port_that_speaks_no_tls() {
    let address = served(async |mut stream| {
        // Read first: closing with unread bytes would reset the connection.
        let _hello = stream.read(&mut [0; 4096]).await;
        let _sent = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    assert_eq!(unsent(&format!("https://{address}")).await, Some(Unsent::Tls));
}

#[tokio::test]
async fn a_handshake_that_is_hung_up_on() {
    let address = served(async |mut stream| {
        let _hello = stream.read(&mut [0; 4096]).await;
    })
    .await;
    assert_eq!(unsent(&format!("https://{address}")).await, Some(Unsent::Tls));
}

#[tokio::test]
async fn a_handshake_that_never_goes_on() {
    let address = served(
        async |mut stream| {
            while stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {}
        },
    )
    .await;
    let error = get(&format!("https://{address}"), Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(Unsent::of(&error), Some(Unsent::ConnectTimeout));
}

#[tokio::test]
async fn a_connection_that_nobody_accepts() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // The kernel takes as many as the backlog has room for, and leaves the next one waiting.
    let mut taken = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        taken.push(stream.unwrap());
    }
    let error = get(&format!("http://{address}"), Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(Unsent::of(&error), Some(Unsent::ConnectTimeout));
}

#[tokio::test]
async fn a_request_that_was_sent_is_not_unsent() {
    let address = served(async |mut stream| {
        let _request = stream.read(&mut [0; 4096]).await;
    })
    .await;
    assert_eq!(unsent(&format!("http://{address}")).await, None);
}

async fn unsent(url: &str) -> Option<Unsent> {
    Unsent::of(&get(url, PATIENCE).await.unwrap_err())
}

async fn get(url: &str, connect: Duration) -> Result<Response, reqwest::Error> {
    client(connect).unwrap().get(url).send().await
}

/// Where each connection is served so.
async fn served<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream).await;
        }
    });
    address
}
