//! Where requests go, and where they do not; and what receivers may do to whoever asks them.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};

use notification_delivery::http::{
    Connecting, HttpClient, MAX_BODY, Network, NoAnswer, Resolving, System,
};
use shared::{
    outbound::{guard::Refusal, hostile},
    settings::Outbound,
};

use crate::receiver::{Manner, Receiver};

/// A network whose DNS says what it is told to, one answer after the other, and that counts what is
/// connected to.
#[derive(Default)]
struct Counting {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    connected: Mutex<Vec<SocketAddr>>,
}

impl Network for Counting {
    fn resolve(&self, _: &str) -> Resolving {
        let answer = self.answers.lock().unwrap().pop();
        Box::pin(async move { answer.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }

    fn connect(&self, address: SocketAddr) -> Connecting {
        self.connected.lock().unwrap().push(address);
        Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) })
    }
}

fn client(network: Arc<dyn Network>, allow_insecure: bool) -> HttpClient {
    let settings = Outbound { allow_insecure, ..Outbound::default() };
    HttpClient::over(network, &settings).unwrap()
}

fn addresses(answer: &[&str]) -> Vec<IpAddr> {
    answer.iter().map(|text| text.parse().unwrap()).collect()
}

#[tokio::test]
async fn nothing_is_connected_to_that_a_hostile_url_or_dns_leads_to() {
    let network = Arc::new(Counting::default());
    let client = client(network.clone(), false);
    for url in hostile::URLS {
        let refused = client.post(url, &[], "{}".to_owned()).await;
        assert!(matches!(refused, Err(NoAnswer::Refused(_))), "{url}: {refused:?}");
    }
    for answer in hostile::ANSWERS {
        network.answers.lock().unwrap().push(addresses(answer));
        let url = "https://rebinding.example.com/";
        let refused = client.post(url, &[], "{}".to_owned()).await;
        assert!(matches!(refused, Err(NoAnswer::Refused(_))), "{answer:?}: {refused:?}");
    }
    assert!(hostile::URLS.len() + hostile::ANSWERS.len() >= 150);
    assert_eq!(*network.connected.lock().unwrap(), []);
}

#[tokio::test]
async fn the_connection_goes_to_the_addresses_that_were_checked() {
    let network = Arc::new(Counting::default());
    let client = client(network.clone(), false);
    // A second look at the DNS would find the second answer.
    let answers = [addresses(&["127.0.0.1"]), addresses(&["8.8.8.8", "2606:4700:4700::1111"])];
    *network.answers.lock().unwrap() = answers.into();
    let failed = client.post("https://hooks.example.com:8443/", &[], "{}".to_owned()).await;
    assert_eq!(failed.unwrap_err(), NoAnswer::OutOfReach);
    let connected = ["8.8.8.8:8443", "[2606:4700:4700::1111]:8443"];
    assert_eq!(*network.connected.lock().unwrap(), connected.map(|it| it.parse().unwrap()));
    assert_eq!(network.answers.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_told_apart() {
    let client = client(Arc::new(Counting::default()), false);
    let failed = client.post("https://nowhere.example.com/", &[], "{}".to_owned()).await;
    assert_eq!(failed.unwrap_err(), NoAnswer::Refused(Refusal::Unresolved));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let secret = Receiver::start(Manner::status(200)).await;
    let location = vec![("location", secret.url.clone())];
    let receiver = Receiver::start(Manner::Answer(302, location, String::new())).await;
    let answer = client(Arc::new(System), true).post(&receiver.url, &[], "{}".to_owned()).await;
    assert_eq!(answer.unwrap().status, 302);
    assert!(secret.seen().is_empty());
}

#[tokio::test]
async fn a_receiver_that_says_nothing_is_not_waited_for() {
    let receiver = Receiver::start(Manner::Silence).await;
    let settings =
        Outbound { allow_insecure: true, timeout_milliseconds: 1500, ..Outbound::default() };
    let client = HttpClient::new(&settings).unwrap();
    let answer = client.post(&receiver.url, &[], "{}".to_owned()).await;
    assert_eq!(answer.unwrap_err(), NoAnswer::TimedOut);
    assert_eq!(receiver.seen().len(), 1);
}

#[tokio::test]
async fn of_an_answer_without_end_a_little_is_read() {
    let receiver = Receiver::start(Manner::Endless).await;
    let client = client(Arc::new(System), true);
    let answer = client.post(&receiver.url, &[], "{}".to_owned()).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, MAX_BODY));
    receiver.behave(Manner::EndlessHead);
    let failed = client.post(&receiver.url, &[], "{}".to_owned()).await;
    assert_eq!(failed.unwrap_err(), NoAnswer::BrokenOff);
    // What lies in the system's own buffers counts as sent.
    assert!(receiver.sent() < 32 << 20, "{}", receiver.sent());
}

#[tokio::test]
async fn a_connection_that_breaks_off_and_one_that_does_not_come_about_are_told_apart() {
    let receiver = Receiver::start(Manner::BreakOff).await;
    let client = client(Arc::new(System), true);
    let failed = client.post(&receiver.url, &[], "{}".to_owned()).await;
    assert_eq!(failed.unwrap_err(), NoAnswer::BrokenOff);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let failed = client.post(&closed, &[], "{}".to_owned()).await;
    assert_eq!(failed.unwrap_err(), NoAnswer::OutOfReach);
}
