//! Servers that answer as they are told, and remember what they were sent.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A server on this machine.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) port: u16,
    received: UnboundedReceiver<String>,
    listening: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Everything that was sent so far: a whole request, or a line.
    pub(crate) fn received(mut self) -> Vec<String> {
        self.listening.abort();
        let mut received = Vec::new();
        while let Ok(text) = self.received.try_recv() {
            received.push(text);
        }
        received
    }
}

async fn listen<F>(serve: impl Fn(TcpStream, UnboundedSender<String>, usize) -> F + Send + 'static) -> Server
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, received) = unbounded_channel();
    let listening = tokio::spawn(async move {
        let mut count = 0;
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream, sender.clone(), count).await;
            count += 1;
        }
    });
    Server { url: format!("http://127.0.0.1:{port}/"), port, received, listening }
}

/// Answers one request a connection, with these statuses in turn.
pub(crate) async fn http(statuses: &[&str]) -> Server {
    let statuses: Vec<String> = statuses.iter().map(|status| (*status).to_owned()).collect();
    listen(move |stream, sender, count| {
        let status = statuses.get(count).or(statuses.last()).cloned().unwrap_or_default();
        async move { answer_http(stream, &sender, &status).await }
    })
    .await
}

async fn answer_http(mut stream: TcpStream, sender: &UnboundedSender<String>, status: &str) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).await.unwrap();
        request.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&request);
        let wanted = text.lines().find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length:")
                .map(|value| value.trim().parse::<usize>().unwrap())
        });
        let body = text.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len());
        if count == 0 || wanted.is_some_and(|wanted| body >= wanted) {
            break;
        }
    }
    sender.send(String::from_utf8_lossy(&request).into_owned()).unwrap();
    let reply = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(reply.as_bytes()).await.unwrap();
}

/// Takes mail, and gives this answer to each receiver.
pub(crate) async fn smtp(answer: &'static str) -> Server {
    listen(move |stream, sender, _| async move { answer_smtp(stream, &sender, answer).await }).await
}

async fn answer_smtp(stream: TcpStream, sender: &UnboundedSender<String>, answer: &str) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 test\r\n").await.unwrap();
    let mut is_data = false;
    while let Ok(Some(line)) = lines.next_line().await {
        let _ = sender.send(line.clone());
        let word = line.get(..4).unwrap_or_default().to_uppercase();
        let reply = match (is_data, word.as_str()) {
            (true, _) if line == "." => {
                is_data = false;
                "250 taken"
            }
            (true, _) => continue,
            (false, "DATA") => {
                is_data = true;
                "354 go on"
            }
            (false, "RCPT") => answer,
            (false, "QUIT") => "221 bye",
            (false, _) => "250 ok",
        };
        if writer.write_all(format!("{reply}\r\n").as_bytes()).await.is_err() || word == "QUIT" {
            return;
        }
    }
}
