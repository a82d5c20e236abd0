//! A folder served over the S3 protocol: just enough to list, to read, and to see who signs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// A running server of one bucket; stops when it is dropped.
pub(crate) struct S3Server {
    pub(crate) address: SocketAddr,
    authorizations: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl S3Server {
    /// Serves `folder` as the bucket `bucket`.
    pub(crate) async fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let authorizations = Arc::new(Mutex::new(Vec::new()));
        let (folder, seen) = (folder.to_owned(), Arc::clone(&authorizations));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, folder.clone(), Arc::clone(&seen)));
            }
        });
        Self { address, authorizations, task }
    }

    /// The `Authorization` headers so far; empty for a request without one.
    pub(crate) fn authorizations(&self) -> Vec<String> {
        self.authorizations.lock().unwrap().clone()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, folder: PathBuf, seen: Arc<Mutex<Vec<String>>>) {
    let (reading, mut writing) = stream.split();
    let mut lines = BufReader::new(reading).lines();
    while let Ok(Some(request)) = lines.next_line().await {
        let (mut range, mut authorization) = (None, String::new());
        while let Ok(Some(line)) = lines.next_line().await {
            let Some((name, value)) = line.split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "range" => range = Some(value.to_owned()),
                "authorization" => value.clone_into(&mut authorization),
                _ => {}
            }
        }
        seen.lock().unwrap().push(authorization);
        let mut words = request.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let url = Url::parse("http://s3").unwrap().join(target).unwrap();
        let (status, headers, body) = answer(&folder, &url, range.as_deref());
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n");
        writing.write_all(head.as_bytes()).await.unwrap();
        if method == "GET" {
            writing.write_all(&body).await.unwrap();
        }
    }
}

const DATES: &str = "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nETag: \"x\"\r\n";

fn answer(folder: &Path, url: &Url, range: Option<&str>) -> (&'static str, String, Vec<u8>) {
    let query = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    if query("list-type").is_some() {
        let text = list(folder, &query("prefix").unwrap_or_default(), &query("start-after").unwrap_or_default());
        return ("200 OK", String::new(), text.into_bytes());
    }
    let key = url.path().trim_start_matches("/bucket/");
    let Ok(body) = std::fs::read(folder.join(key)) else { return ("404 Not Found", String::new(), Vec::new()) };
    let Some(range) = range else { return ("200 OK", DATES.to_owned(), body) };
    let (from, to) = range.trim_start_matches("bytes=").split_once('-').unwrap();
    let end = body.len();
    let (from, to) = match (from.parse::<usize>(), to.parse::<usize>()) {
        (Ok(from), Ok(to)) => (from, (to + 1).min(end)),
        (Ok(from), Err(_)) => (from, end),
        (Err(_), Ok(last)) => (end - last, end),
        (Err(_), Err(_)) => (0, end),
    };
    let headers = format!("{DATES}Content-Range: bytes {from}-{}/{end}\r\n", to - 1);
    ("206 Partial Content", headers, body[from..to].to_vec())
}

fn list(folder: &Path, prefix: &str, after: &str) -> String {
    let mut keys = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let size = path.metadata().unwrap().len();
                keys.push((path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned(), size));
            }
        }
    }
    keys.retain(|(key, _)| key.starts_with(prefix) && key.as_str() > after);
    keys.sort_unstable();
    let contents = keys.iter().map(|(key, size)| {
        format!("<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"x\"</ETag><Size>{size}</Size></Contents>")
    });
    format!("<ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>", contents.collect::<String>())
}
