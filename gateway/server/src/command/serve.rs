//! `frontdesk serve`: a gateway by its configuration.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use config::Config;

use super::Done;
use super::check::load;
use super::running::{Signals, runtime};
use crate::gateway::Gateway;
use crate::telemetry;

/// Runs the gateway until Ctrl-C or SIGTERM; SIGHUP reads certificates and packages again
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  frontdesk serve --config config/frontdesk.toml")]
pub(crate) struct Serve {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Serve {
    pub(crate) fn run(self) -> Done {
        let Some(config) = load(&self.config)? else { return Ok(ExitCode::FAILURE) };
        runtime()?.block_on(serve(config))
    }
}

async fn serve(config: Config) -> Done {
    let _telemetry = telemetry::init(&config.telemetry)?;
    let mut signals = Signals::new()?;
    let gateway = Gateway::start(config).await?;
    tracing::info!(base = gateway.base(), listen = %gateway.address(), admin = %gateway.admin_address(), "ready");
    signals.serve(&gateway).await;
    signals.drain(gateway).await;
    Ok(ExitCode::SUCCESS)
}
