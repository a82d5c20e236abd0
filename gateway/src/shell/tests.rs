//! The whole shell against a small Flight SQL server that is not the gateway.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

mod server;

use std::sync::{Mutex, PoisonError};

use server::{Call, Server};

use super::*;

/// What was written, for the test to read while the shell still writes.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A stdout whose reader has gone.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn options(server: &Server, commands: &[&str]) -> Options {
    Options {
        url: server.url(),
        user: Some("ann".to_owned()),
        password: Some("secret".to_owned()),
        tls_ca: None,
        command: commands.iter().map(|text| (*text).to_owned()).collect(),
        file: None,
        format: None,
    }
}

struct Run {
    stdout: Written,
    stderr: Written,
    interrupts: Arc<Notify>,
    is_terminal: bool,
}

impl Run {
    fn new() -> Self {
        let (stdout, stderr) = (Written::default(), Written::default());
        Self { stdout, stderr, interrupts: Arc::new(Notify::new()), is_terminal: false }
    }

    async fn run(&self, options: Options) -> Exit {
        let streams = Streams {
            stdout: Box::new(self.stdout.clone()),
            stderr: Box::new(self.stderr.clone()),
            stdin_is_terminal: false,
            stdout_is_terminal: self.is_terminal,
            interrupts: Arc::clone(&self.interrupts),
            hears_signals: false,
        };
        run_on(options, streams).await
    }
}

async fn check(commands: &[&str], exit: Exit, stdout: &str, stderr: &str) {
    let server = Server::start().await;
    check_options(options(&server, commands), exit, stdout, stderr).await;
}

async fn check_options(options: Options, exit: Exit, stdout: &str, stderr: &str) {
    let run = Run::new();
    let ended = run.run(options).await;
    assert_eq!((run.stdout.text().as_str(), run.stderr.text().as_str(), ended), (stdout, stderr, exit));
}

#[tokio::test]
async fn a_result_goes_to_stdout() {
    check(&["select 1"], Exit::Good, " n\n---\n 1\n 2\n(2 rows)\n", "").await;
    check(&["select 1; select 1", ""], Exit::Good, &" n\n---\n 1\n 2\n(2 rows)\n".repeat(2), "").await;
}

#[tokio::test]
async fn the_first_error_ends_it_with_1_on_stderr() {
    check(
        &["select missing; select 1", "select 1"],
        Exit::Failed,
        "",
        "ERROR:  table \"missing\" is not in the catalog\nSQLSTATE: 42P01 (UndefinedTable)\n",
    )
    .await;
    check(&["\\nonsense", "select 1"], Exit::Failed, "", "ERROR:  \\nonsense is not a command; \\? lists them\n").await;
}

#[tokio::test]
async fn an_error_after_rows_fails_the_statement() {
    let server = Server::start().await;
    let csv = Options { format: Some(Format::Csv), ..options(&server, &["select broken"]) };
    check_options(csv, Exit::Failed, "n\n1\n2\n", "ERROR:  source failed\nGRPC: Internal\n").await;
}

#[tokio::test]
async fn a_file_is_run_and_errors_name_its_lines() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sql");
    std::fs::write(&path, "\u{feff}\\timing off\nselect\n  1;\n-- next\nselect missing;\nselect 1;").unwrap();
    let file = Options { file: Some(path.clone()), ..options(&server, &[]) };
    let stderr = format!(
        "{}:5: ERROR:  table \"missing\" is not in the catalog\nSQLSTATE: 42P01 (UndefinedTable)\n",
        path.display()
    );
    let stdout = "Timing is off.\n n\n---\n 1\n 2\n(2 rows)\n";
    check_options(file, Exit::Failed, stdout, &stderr).await;
    let include = format!("\\i {}", path.display());
    check_options(options(&server, &[&include, "select 1"]), Exit::Failed, stdout, &stderr).await;
    let absent = Options { file: Some(folder.path().join("absent")), ..options(&server, &[]) };
    assert_eq!(Run::new().run(absent).await, Exit::Failed);
}

#[tokio::test]
async fn options_that_make_no_sense_end_with_2() {
    let server = Server::start().await;
    let wrong = Options { url: "http://here".to_owned(), ..options(&server, &["select 1"]) };
    assert_eq!(Run::new().run(wrong).await, Exit::Usage);
    let no_password = Options { password: None, ..options(&server, &["select 1"]) };
    let stderr = "ERROR:  there is a user but no password: set MESHGATE_PASSWORD\n";
    check_options(no_password, Exit::Usage, "", stderr).await;
}

#[tokio::test]
async fn a_wrong_password_is_refused_in_the_servers_words() {
    let server = Server::start().await;
    let wrong = Options { password: Some("wrong".to_owned()), ..options(&server, &["select 1"]) };
    check_options(wrong, Exit::Failed, "", "ERROR:  user or password is wrong\nGRPC: Unauthenticated\n").await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let server = Server::start().await;
    let options = options(&server, &["select 1"]);
    server.stop().await;
    let run = Run::new();
    assert_eq!(run.run(options).await, Exit::Failed);
    assert!(run.stderr.text().starts_with("ERROR:  cannot connect to grpc://127.0.0.1:"), "{}", run.stderr.text());
}

#[tokio::test]
async fn a_login_that_ran_out_is_made_again() {
    check(&["select 1", "select logout", "select 1"], Exit::Good, &" n\n---\n 1\n 2\n(2 rows)\n".repeat(3), "").await;
}

#[tokio::test]
async fn a_lost_connection_is_made_again_with_its_domain() {
    let server = Server::start().await;
    let port = server.port;
    let run = Run::new();
    let login = Login { user: "ann".to_owned(), password: "secret".to_owned() };
    let connection = Connection::new(Target::parse(&server.url()).unwrap(), Some(login), None);
    let writer = Writer::new(Box::new(run.stdout.clone()), false);
    let mut shell = Shell::new(connection, writer, Box::new(run.stderr.clone()), Arc::clone(&run.interrupts));
    let ask = |text: &str| splitter::Splitter::split(text).remove(0).text;
    shell.run(&ask("\\c sales")).await.unwrap();
    server.stop().await;
    let lost = shell.run(&ask("select domain")).await.unwrap_err();
    assert!(lost.to_string().starts_with("lost the connection to grpc://127.0.0.1:"), "{lost}");
    let _server = Server::start_at(port).await;
    shell.run(&ask("select domain")).await.unwrap();
    assert!(run.stdout.text().ends_with("   d\n-------\n sales\n(1 row)\n"), "{}", run.stdout.text());
}

#[tokio::test]
async fn what_there_is_can_be_listed() {
    check(&["\\l"], Exit::Good, " Catalog\n---------\n retail\n(1 row)\n", "").await;
    check(&["\\dn"], Exit::Good, " Catalog | Domain\n---------+--------\n retail  | sales\n(1 row)\n", "").await;
    let listing = " Domain |    Name     | Type\n--------+-------------+-------\n";
    let items = " sales  | order_items | table\n";
    let orders = " sales  | orders      | table\n";
    check(&["\\dt"], Exit::Good, &format!("{listing}{items}{orders}(2 rows)\n"), "").await;
    check(&["\\dt sales.*_items"], Exit::Good, &format!("{listing}{items}(1 row)\n"), "").await;
    let columns = "Table \"retail.sales.orders\"\n Column |  Type  | Nullable |  Comment\n\
                   --------+--------+----------+-----------\n n      | bigint | not null | a \\x1b[1m\n(1 row)\n";
    check(&["\\d orders"], Exit::Good, columns, "").await;
    check(&["\\d nothing"], Exit::Failed, "", "ERROR:  did not find any table named \"nothing\"\n").await;
}

#[tokio::test]
async fn a_domain_is_chosen_through_the_session_and_kept_by_cookie() {
    let stdout = "Unqualified tables are those of the domain \"sales\".\n   d\n-------\n sales\n(1 row)\n";
    check(&["\\c sales", "select domain"], Exit::Good, stdout, "").await;
    check(&["\\c nowhere"], Exit::Failed, "", "ERROR:  there is no domain \"nowhere\"\n").await;
}

#[tokio::test]
async fn settings_change_how_results_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.json");
    let redirect = format!("\\o {}", path.display());
    let commands = ["\\x on", "select domain", &redirect, "\\format json", "select 1", "\\o"];
    let stdout = "Expanded display is on.\n-[ RECORD 1 ]\nd | none\n(1 row)\n";
    check(&commands, Exit::Good, stdout, "The format is json.\n").await;
    assert_eq!(std::fs::read_to_string(path).unwrap(), "[{\"n\":1},\n{\"n\":2}]\n");
}

#[tokio::test]
async fn an_update_is_sent_as_an_update() {
    check(&["insert into t values (1)"], Exit::Good, "OK, 3 rows\n", "").await;
}

#[tokio::test]
async fn the_time_is_told_when_asked_for() {
    let server = Server::start().await;
    let run = Run::new();
    let csv = Options { format: Some(Format::Csv), ..options(&server, &["\\timing", "select 1"]) };
    assert_eq!(run.run(csv).await, Exit::Good);
    assert_eq!(run.stdout.text(), "n\n1\n2\n");
    assert!(run.stderr.text().starts_with("Timing is on.\nTime: "), "{}", run.stderr.text());
}

#[tokio::test]
async fn ctrl_c_cancels_what_runs() {
    let server = Server::start().await;
    let run = Run::new();
    // The server says when the call has arrived, and when it has been dropped.
    let ((), exit) = tokio::join!(
        async {
            server.saw(Call::Endless).await;
            run.interrupts.notify_waiters();
            server.saw(Call::EndlessDropped).await;
            server.saw(Call::Cancelled).await;
        },
        run.run(options(&server, &["select endless", "select 1"])),
    );
    assert_eq!(exit, Exit::Failed);
    assert_eq!(run.stderr.text(), "ERROR:  cancelled\n");
}

#[tokio::test]
async fn nobody_reading_is_not_an_error() {
    let server = Server::start().await;
    let run = Run::new();
    let streams = Streams {
        stdout: Box::new(Closed),
        stderr: Box::new(run.stderr.clone()),
        stdin_is_terminal: false,
        stdout_is_terminal: false,
        interrupts: Arc::clone(&run.interrupts),
        hears_signals: false,
    };
    assert_eq!(run_on(options(&server, &["select 1"]), streams).await, Exit::Good);
    assert_eq!(run.stderr.text(), "");
}

#[tokio::test]
async fn a_screen_gets_neither_escape_sequences_nor_arrow() {
    let server = Server::start().await;
    for (format, expected) in [(Format::Csv, "e\n\\x1b[2J\n"), (Format::Tsv, "e\n\\x1b[2J\n"), (Format::Arrow, "")] {
        let run = Run { is_terminal: true, ..Run::new() };
        run.run(Options { format: Some(format), ..options(&server, &["select escape"]) }).await;
        assert_eq!(run.stdout.text(), expected);
    }
    let piped = Run::new();
    piped.run(Options { format: Some(Format::Csv), ..options(&server, &["select escape"]) }).await;
    assert_eq!(piped.stdout.text(), "e\n\x1b[2J\n", "a program gets the value as it is");
}
