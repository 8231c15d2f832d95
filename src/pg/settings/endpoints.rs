//! The hosts to try: libpq's parallel lists of `host`, `hostaddr` and `port`.

use std::net::IpAddr;
use std::path::PathBuf;

use super::environment::Environment;
use super::error::SettingsError;
use super::keyvalue::Given;
use super::keyword::Keyword;
use super::layers::Layers;
use super::values::{Endpoint, Host};

/// The port which a server listens on if nobody says otherwise.
pub(super) const DEFAULT_PORT: u16 = 5432;

/// Reads the lists and pairs them up.
pub(super) fn read(layers: &Layers, environment: &Environment) -> Result<Vec<Endpoint>, SettingsError> {
    let hosts = elements(layers.get(Keyword::Host));
    let addresses = elements(layers.get(Keyword::Hostaddr));
    let ports = elements(layers.get(Keyword::Port));
    let count = hosts.len().max(addresses.len()).max(1);
    if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
        return Err(SettingsError::Count {
            what: "host addresses",
            given: addresses.len(),
            hosts: hosts.len(),
        });
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(SettingsError::Count {
            what: "ports",
            given: ports.len(),
            hosts: count,
        });
    }
    (0..count)
        .map(|index| {
            let port_text = if ports.len() == 1 {
                ports.first()
            } else {
                ports.get(index)
            };
            let port = port(layers.get(Keyword::Port), port_text.copied().unwrap_or(""))?;
            let hostaddr = address(
                layers.get(Keyword::Hostaddr),
                addresses.get(index).copied().unwrap_or(""),
            )?;
            let name = hosts.get(index).copied().unwrap_or("");
            Ok(Endpoint {
                host: host(layers.get(Keyword::Host), name, hostaddr, port, environment)?,
                hostaddr,
                port,
                password: None,
            })
        })
        .collect()
}

fn elements(given: Option<&Given>) -> Vec<&str> {
    given.map_or_else(Vec::new, |given| given.value.split(',').map(str::trim).collect())
}

fn port(given: Option<&Given>, text: &str) -> Result<u16, SettingsError> {
    match given {
        Some(given) if !text.is_empty() => match text.parse() {
            Ok(port) if port > 0 => Ok(port),
            _ => Err(given.refused("a number from 1 to 65535")),
        },
        _ => Ok(DEFAULT_PORT),
    }
}

fn address(given: Option<&Given>, text: &str) -> Result<Option<IpAddr>, SettingsError> {
    match given {
        Some(given) if !text.is_empty() => match text.parse() {
            Ok(address) => Ok(Some(address)),
            Err(_) => Err(given.refused("an IPv4 or IPv6 address")),
        },
        _ => Ok(None),
    }
}

fn host(
    given: Option<&Given>,
    name: &str,
    hostaddr: Option<IpAddr>,
    port: u16,
    environment: &Environment,
) -> Result<Host, SettingsError> {
    match (name, hostaddr) {
        ("", Some(address)) => Ok(Host::Tcp(address.to_string())),
        ("", None) => Ok(default_host(environment, port)),
        (name, _) if name.starts_with('/') => Ok(Host::Socket(PathBuf::from(name))),
        (name, _) if name.starts_with('@') => Err(match given {
            Some(given) => SettingsError::Unsupported {
                keyword: Keyword::Host,
                origin: given.origin.clone(),
                reason: "sockets in the abstract namespace are not supported; give a directory or a host name",
            },
            None => SettingsError::Conflict("an abstract socket without a host".to_owned()),
        }),
        (name, _) => Ok(Host::Tcp(name.to_owned())),
    }
}

/// Returns the first of the usual directories which holds the port's socket, or else `localhost`.
///
/// libpq has one directory compiled in and stays with it, which fails with a server from another package; a socket that is
/// there is as good a reason.
fn default_host(environment: &Environment, port: u16) -> Host {
    environment
        .socket_directories
        .iter()
        .find(|directory| directory.join(format!(".s.PGSQL.{port}")).exists())
        .map_or_else(
            || Host::Tcp("localhost".to_owned()),
            |directory| Host::Socket(directory.clone()),
        )
}
