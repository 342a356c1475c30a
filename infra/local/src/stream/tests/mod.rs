mod engine;
mod failures;

use std::sync::Mutex;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{consumer::Step, *};
use crate::{events::Stream, invoke::Failure, pattern::Pattern};

/// A stream of records that are numbered from 1.
struct Numbers(usize);

impl Feed for Numbers {
    fn arn(&self) -> &'static str {
        "arn:numbers"
    }

    fn after(&self, sequence: Option<&str>, limit: usize) -> Result<Vec<Value>, Error> {
        let after = sequence.map_or(0, |sequence| sequence.parse::<usize>().unwrap());
        Ok((after + 1..=self.0).take(limit).map(record).collect())
    }

    fn newest(&self) -> Result<Option<String>, Error> {
        Ok(Some(self.0.to_string()))
    }
}

fn record(number: usize) -> Value {
    let name = if number.is_multiple_of(2) { "INSERT" } else { "MODIFY" };
    json!({"eventName": name, "dynamodb": {"SequenceNumber": number.to_string()}})
}

/// A function that keeps what it was handed, and answers by a rule.
struct Function<R> {
    handed: Mutex<Vec<Vec<usize>>>,
    rule: R,
}

impl<R: Fn(&[usize]) -> Result<Value, Failure> + Send + Sync + 'static> Invoke for Function<R> {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, Failure> {
        assert_eq!(function, "delivery");
        let records = payload["Records"].as_array().unwrap().iter();
        let number =
            |it: &Value| it["dynamodb"]["SequenceNumber"].as_str().unwrap().parse().unwrap();
        let numbers: Vec<usize> = records.map(number).collect();
        self.handed.lock().unwrap().push(numbers.clone());
        (self.rule)(&numbers)
    }
}

fn function<R>(rule: R) -> Arc<Function<R>>
where
    R: Fn(&[usize]) -> Result<Value, Failure> + Send + Sync + 'static,
{
    Arc::new(Function { handed: Mutex::default(), rule })
}

fn stream() -> Stream {
    Stream {
        name: "Changes".to_owned(),
        batch_size: 4,
        from_beginning: true,
        filters: Vec::new(),
        reports_failures: true,
        bisects: false,
        retries: Some(2),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is one of the rules")]
fn works(_: &[usize]) -> Result<Value, Failure> {
    Ok(json!({"batchItemFailures": []}))
}

fn fails_at(poison: usize) -> impl Fn(&[usize]) -> Result<Value, Failure> {
    move |numbers| {
        let poisoned = || Failure::Function("poisoned".to_owned());
        if numbers.contains(&poison) { Err(poisoned()) } else { works(numbers) }
    }
}

struct Test {
    _folder: TempDir,
    place: Place,
}

impl Test {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { place: Place::take(folder.path()).unwrap(), _folder: folder }
    }

    fn consumer<I: Invoke>(
        &self,
        records: usize,
        of: &Stream,
        invoke: &Arc<I>,
    ) -> Consumer<Numbers, I> {
        let feed = Arc::new(Numbers(records));
        Consumer::resume(&self.place, "delivery", of, feed, Arc::clone(invoke)).unwrap()
    }

    /// Lets a function have all records; what it was handed, by invocation, and what was told.
    async fn run<R>(
        &self,
        records: usize,
        of: &Stream,
        invoke: &Arc<Function<R>>,
    ) -> (Vec<Vec<usize>>, Vec<String>)
    where
        R: Fn(&[usize]) -> Result<Value, Failure> + Send + Sync + 'static,
    {
        let mut consumer = self.consumer(records, of, invoke);
        let told = until_idle(&mut consumer).await;
        (std::mem::take(&mut *invoke.handed.lock().unwrap()), told)
    }

    fn dead(&self) -> Vec<Value> {
        let text =
            std::fs::read_to_string(self.place.log("dead-letters.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Takes steps until there is nothing to read.
async fn until_idle<F: Feed, I: Invoke>(consumer: &mut Consumer<F, I>) -> Vec<String> {
    let idle = Step { wait: Duration::from_millis(100), told: None };
    let mut told = Vec::new();
    for _ in 0..10_000 {
        let step = consumer.step().await.unwrap();
        if step == idle {
            return told;
        }
        told.extend(step.told);
    }
    panic!("it does not come to an end");
}

#[tokio::test]
async fn records_come_in_order_and_in_batches() {
    let (handed, told) = Test::new().run(10, &stream(), &function(works)).await;
    assert_eq!(handed, [vec![1, 2, 3, 4], vec![5, 6, 7, 8], vec![9, 10]]);
    assert!(told.is_empty());
}

#[tokio::test]
async fn what_no_filter_wants_is_passed_over() {
    let filters = vec![Pattern::parse(r#"{"eventName": ["INSERT"]}"#).unwrap()];
    let (handed, _) = Test::new().run(11, &Stream { filters, ..stream() }, &function(works)).await;
    assert_eq!(handed, [vec![2, 4, 6, 8], vec![10]]);
}

#[tokio::test]
async fn a_restart_goes_on_behind_what_was_done() {
    let test = Test::new();
    let first = function(fails_at(6));
    let mut consumer = test.consumer(8, &stream(), &first);
    // It reads, hands over the first four, and fails at the others.
    for _ in 0..3 {
        consumer.step().await.unwrap();
    }
    drop(consumer);
    let (handed, _) = test.run(8, &stream(), &function(works)).await;
    assert_eq!(handed, [vec![5, 6, 7, 8]]);
    assert!(test.run(8, &stream(), &function(works)).await.0.is_empty());
}

#[tokio::test]
async fn a_restart_reads_nothing_again_that_was_for_nobody() {
    let test = Test::new();
    let filters = vec![Pattern::parse(r#"{"eventName": ["REMOVE"]}"#).unwrap()];
    let of = Stream { filters, ..stream() };
    assert!(test.run(2_500, &of, &function(works)).await.0.is_empty());
    assert_eq!(test.run(2_501, &stream(), &function(works)).await.0, [vec![2_501]]);
}

#[tokio::test]
async fn latest_begins_behind_what_is_there() {
    let test = Test::new();
    let of = Stream { from_beginning: false, ..stream() };
    assert!(test.run(3, &of, &function(works)).await.0.is_empty());
    assert_eq!(test.run(5, &of, &function(works)).await.0, [vec![4, 5]]);
}
