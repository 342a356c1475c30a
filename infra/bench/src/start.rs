//! How long a function takes from its spawn to its first poll.

use crate::{
    report::Report,
    service::{FUNCTIONS, OTHERS, Service},
    statistics::in_turn,
};

const ROUNDS: usize = 41;

pub(crate) async fn measure(service: &Service, report: &mut Report) {
    report.section("Start, from spawn to first poll (goal: 1.5 times hello-world; bound: 2)");
    let names: Vec<_> = ["hello-world"].into_iter().chain(FUNCTIONS).chain(OTHERS).collect();
    let medians =
        in_turn(&names, ROUNDS, 1, async |name: &&str| service.instance(name).ready().await).await;
    let hello = medians[0];
    report.note(names[0], &format!("{:.2} ms", hello / 1000.0));
    for (name, median) in names.iter().zip(medians).skip(1) {
        let ratio = median / hello;
        let goal = if ratio <= 1.5 { "" } else { ", over the goal" };
        let value = format!("{:.2} ms, {ratio:.2} times hello-world{goal}", median / 1000.0);
        report.check(name, &value, ratio <= 2.0);
    }
}
