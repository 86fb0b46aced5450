//! Claims that hold on every Snowflake account. They run on the emulator, and on a real account when
//! `SNOWFERRY_LIVE_CONNECTION` names a connection of `~/.snowflake/connections.toml`. They only read, and need nothing
//! but a virtual warehouse.

mod claims;
mod values;

mod on_the_emulator {
    use emulator::{DEFAULT_PASSWORD, DEFAULT_USER, Emulator, EmulatorConfig, RunningEmulator};
    use snowflake::{ConnectionConfig, Credentials, Endpoint, Session};

    use super::claims;

    async fn session() -> (RunningEmulator, Session) {
        let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
        let set_up = "CREATE WAREHOUSE IF NOT EXISTS COMPUTE_WH".to_owned();
        let emulator = tokio::task::spawn_blocking(move || {
            emulator::sample::run(&emulator, [set_up.into()]).unwrap();
            emulator
        })
        .await
        .unwrap();
        let credentials = Credentials::password(DEFAULT_PASSWORD);
        let config = ConnectionConfig::new("myorg-acct".parse().unwrap(), DEFAULT_USER, credentials)
            .endpoint(Endpoint::parse(emulator.url()).unwrap())
            .allow_http_loopback(true)
            .virtual_warehouse("COMPUTE_WH");
        let session = Session::connect(config).await.unwrap();
        (emulator, session)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_value_of_every_type_arrives_exactly() {
        let (_emulator, session) = session().await;
        claims::every_value_of_every_type_arrives_exactly(&session).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_million_rows_arrive_in_order() {
        let (_emulator, session) = session().await;
        claims::a_million_rows_arrive_in_order(&session).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_result_is_read_again_by_its_query_id() {
        let (_emulator, session) = session().await;
        claims::a_result_is_read_again_by_its_query_id(&session).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn bound_values_come_back() {
        let (_emulator, session) = session().await;
        claims::bound_values_come_back(&session).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn errors_have_code_state_and_kind() {
        let (_emulator, session) = session().await;
        claims::errors_have_code_state_and_kind(&session).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_running_statement_is_cancelled() {
        let (_emulator, session) = session().await;
        claims::a_running_statement_is_cancelled(&session).await;
    }
}

mod on_a_real_account {
    use snowflake::{ConnectionsFile, Session};

    use super::claims;

    const CONNECTION: &str = "SNOWFERRY_LIVE_CONNECTION";

    async fn session() -> Option<Session> {
        let Ok(name) = std::env::var(CONNECTION) else {
            println!("skipped: set {CONNECTION} to the name of a connection to run this on a real account");
            return None;
        };
        let config = ConnectionsFile::read_default().unwrap().connection(&name).unwrap();
        Some(Session::connect(config).await.unwrap())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_value_of_every_type_arrives_exactly() {
        let Some(session) = session().await else { return };
        claims::every_value_of_every_type_arrives_exactly(&session).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_million_rows_arrive_in_order() {
        let Some(session) = session().await else { return };
        claims::a_million_rows_arrive_in_order(&session).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_result_is_read_again_by_its_query_id() {
        let Some(session) = session().await else { return };
        claims::a_result_is_read_again_by_its_query_id(&session).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn bound_values_come_back() {
        let Some(session) = session().await else { return };
        claims::bound_values_come_back(&session).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn errors_have_code_state_and_kind() {
        let Some(session) = session().await else { return };
        claims::errors_have_code_state_and_kind(&session).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_running_statement_is_cancelled() {
        let Some(session) = session().await else { return };
        claims::a_running_statement_is_cancelled(&session).await;
    }
}
