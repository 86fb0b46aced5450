//! The official drivers as judges: each logs in to a running emulator, makes its claims, and every claim must hold.
//!
//! The scripts beside this file speak to the emulator through the unmodified drivers, pinned in `peers/`. A test is
//! one area of one driver; its failure lists the claims that do not hold.

mod driver;
mod loading;

use self::driver::Driver;

/// The Python connector of the 4.x line: pure Python, reads Arrow row by row.
mod python_4_8_1 {
    use super::Driver;

    const DRIVER: Driver =
        Driver { environment: "classic", program: "bin/python", script: "python/connector.py" };

    #[tokio::test(flavor = "multi_thread")]
    async fn logs_in_with_every_proof_and_is_refused_with_the_right_code() {
        DRIVER.judge("login").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn runs_statements_and_counts_their_rows() {
        DRIVER.judge("statements").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn sees_snowflakes_error_codes() {
        DRIVER.judge("errors").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn reads_every_type_exactly() {
        DRIVER.judge("types").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn binds_every_type() {
        DRIVER.judge("binds").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn reads_a_million_rows_in_chunks() {
        DRIVER.judge("chunks").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn cancels_and_submits_statements() {
        DRIVER.judge("control").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn puts_lists_gets_and_removes_files() {
        DRIVER.judge("files").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn reads_the_past_and_what_changed() {
        DRIVER.judge("travel").await;
    }
}

/// The Python connector of the 5.x line: a Rust core under the same Python surface.
mod python_5_2_0 {
    use super::Driver;

    const DRIVER: Driver =
        Driver { environment: "universal", program: "bin/python", script: "python/connector.py" };

    #[tokio::test(flavor = "multi_thread")]
    async fn logs_in_with_every_proof_and_is_refused_with_the_right_code() {
        DRIVER.judge("login").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn runs_statements_and_counts_their_rows() {
        DRIVER.judge("statements").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn sees_snowflakes_error_codes() {
        DRIVER.judge("errors").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn reads_every_type_exactly() {
        DRIVER.judge("types").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn binds_every_type() {
        DRIVER.judge("binds").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn reads_a_million_rows_in_chunks() {
        DRIVER.judge("chunks").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn cancels_and_submits_statements() {
        DRIVER.judge("control").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn puts_lists_gets_and_removes_files() {
        DRIVER.judge("files").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn reads_the_past_and_what_changed() {
        DRIVER.judge("travel").await;
    }
}

/// The Node driver, which reads JSON results only.
mod node_3_3_0 {
    use super::Driver;

    const DRIVER: Driver = Driver { environment: "node", program: "node", script: "node/driver.js" };

    #[tokio::test(flavor = "multi_thread")]
    async fn logs_in_with_every_proof_and_is_refused_with_the_right_code() {
        DRIVER.judge("login").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn runs_statements_and_counts_their_rows() {
        DRIVER.judge("statements").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn reads_every_type_exactly() {
        DRIVER.judge("types").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn binds_rows_and_arrays() {
        DRIVER.judge("binds").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn reads_a_million_rows_in_chunks() {
        DRIVER.judge("chunks").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn cancels_and_submits_statements() {
        DRIVER.judge("control").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn puts_lists_gets_and_removes_files() {
        DRIVER.judge("files").await;
    }
}

/// ADBC over the Go driver, which hands out Arrow.
mod adbc_1_11_0 {
    use super::Driver;

    const DRIVER: Driver = Driver { environment: "classic", program: "bin/python", script: "python/adbc.py" };

    #[tokio::test(flavor = "multi_thread")]
    async fn logs_in_with_every_proof_and_is_refused_with_the_right_code() {
        DRIVER.judge("login").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn runs_statements_and_sees_error_codes() {
        DRIVER.judge("statements").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn reads_every_type_to_the_nanosecond() {
        DRIVER.judge("types").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn binds_rows() {
        DRIVER.judge("binds").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn reads_a_million_rows_in_chunks() {
        DRIVER.judge("chunks").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn cancels_a_statement() {
        DRIVER.judge("control").await;
    }
}
