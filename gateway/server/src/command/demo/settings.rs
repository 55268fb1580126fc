//! The demo's settings: those out of the box, with limits that a load test passes.

use std::net::SocketAddr;
use std::path::PathBuf;

use config::{Config, OUT_OF_THE_BOX, Rate, Report, Size};

/// Requests a second that no limit of the demo stands in the way of.
const ENOUGH: Rate = Rate::new(200_000, 400_000);

/// Names of the failing settings when the addresses cannot work.
pub(super) fn settings(listen: SocketAddr, admin: SocketAddr, data: PathBuf) -> Result<Config, Report> {
    let mut config = config::shape("config/frontdesk.toml", OUT_OF_THE_BOX)?;
    config.gateway.listen = listen;
    config.gateway.admin = admin;
    config.gateway.data = data;
    config.telemetry.log = "warn".into();
    open(&mut config);
    config::check(&config)?;
    Ok(config)
}

fn open(config: &mut Config) {
    let rates = &mut config.rate_limits;
    (rates.client, rates.address) = (ENOUGH, ENOUGH);
    rates.token = Rate::new(100, 1_000);
    let limits = &mut config.limits;
    (limits.connections, limits.connections_per_address) = (20_000, 20_000);
    limits.streams = 1_000;
    limits.bodies_in_flight = Size::from_mib(256);
    for adapter in config.adapters.values_mut() {
        (adapter.concurrency, adapter.queue) = (1_024, 65_536);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_stays_on_this_machine() {
        let local: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let open: SocketAddr = "0.0.0.0:8080".parse().unwrap();
        assert!(settings(local, local, "data".into()).is_ok());
        assert!(settings(open, local, "data".into()).is_err());
    }
}
