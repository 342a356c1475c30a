use super::*;

#[tokio::test]
async fn a_partial_failure_is_tried_again_from_its_lowest_record() {
    let first = Mutex::new(true);
    let function = function(move |numbers: &[usize]| {
        let failed = json!([{"itemIdentifier": "4"}, {"itemIdentifier": "3"}]);
        let first = std::mem::take(&mut *first.lock().unwrap());
        if first { Ok(json!({"batchItemFailures": failed})) } else { works(numbers) }
    });
    let (handed, _) = Test::new().run(5, &stream(), &function).await;
    assert_eq!(handed, [vec![1, 2, 3, 4], vec![3, 4], vec![5]]);
}

#[tokio::test]
async fn an_answer_that_names_no_record_of_the_batch_fails_the_batch() {
    for name in [json!("9"), json!(""), Value::Null] {
        let answer =
            json!({"batchItemFailures": [{"itemIdentifier": "2"}, {"itemIdentifier": name}]});
        let function = function(move |_: &[usize]| Ok(answer.clone()));
        let (handed, _) = Test::new().run(3, &stream(), &function).await;
        assert_eq!(handed, [vec![1, 2, 3], vec![1, 2, 3], vec![1, 2, 3]]);
    }
}

#[tokio::test]
async fn without_partial_responses_an_answer_is_a_success() {
    let function =
        function(|_: &[usize]| Ok(json!({"batchItemFailures": [{"itemIdentifier": "1"}]})));
    let of = Stream { reports_failures: false, ..stream() };
    assert_eq!(Test::new().run(3, &of, &function).await.0, [vec![1, 2, 3]]);
}

#[tokio::test]
async fn what_fails_again_and_again_is_given_up_and_written_down() {
    let test = Test::new();
    let (handed, told) = test.run(6, &stream(), &function(fails_at(2))).await;
    assert_eq!(handed, [vec![1, 2, 3, 4], vec![1, 2, 3, 4], vec![1, 2, 3, 4], vec![5, 6]]);
    let [letter] = test.dead().try_into().unwrap();
    assert_eq!(letter["DDBStreamBatchInfo"]["startSequenceNumber"], "1");
    assert_eq!(letter["DDBStreamBatchInfo"]["endSequenceNumber"], "4");
    assert_eq!(letter["requestContext"]["approximateInvokeCount"], 3);
    assert_eq!(letter["records"][1], record(2));
    assert_eq!(
        told,
        [
            "==> delivery, by the table's stream: it failed: poisoned; tried again",
            "==> delivery, by the table's stream: records given up: 4; see .local/log/dead-letters.jsonl",
            "==> delivery, by the table's stream: works again",
        ]
    );
}

#[tokio::test]
async fn a_record_that_partial_responses_name_again_and_again_is_given_up() {
    let test = Test::new();
    let function = function(|numbers: &[usize]| {
        let failed = numbers.iter().filter(|number| **number == 3);
        let failed: Vec<_> = failed.map(|it| json!({"itemIdentifier": it.to_string()})).collect();
        Ok(json!({"batchItemFailures": failed}))
    });
    let (handed, _) = test.run(5, &stream(), &function).await;
    assert_eq!(handed, [vec![1, 2, 3, 4], vec![3, 4], vec![3, 4], vec![5]]);
    assert_eq!(test.dead()[0]["DDBStreamBatchInfo"]["startSequenceNumber"], "3");
}

#[tokio::test]
async fn bisecting_finds_the_record_at_fault_and_keeps_the_order() {
    let test = Test::new();
    let of = Stream { bisects: true, ..stream() };
    let (handed, _) = test.run(5, &of, &function(fails_at(2))).await;
    let again = || vec![2];
    assert_eq!(
        handed,
        [vec![1, 2, 3, 4], vec![1, 2], vec![1], again(), again(), again(), vec![3, 4], vec![5]]
    );
    let [letter] = test.dead().try_into().unwrap();
    assert_eq!(letter["records"], json!([record(2)]));
}

#[tokio::test]
async fn without_a_bound_nothing_is_given_up() {
    let test = Test::new();
    let tries = Mutex::new(0);
    let function = function(move |numbers: &[usize]| {
        *tries.lock().unwrap() += 1;
        if *tries.lock().unwrap() < 100 { fails_at(1)(numbers) } else { works(numbers) }
    });
    let (handed, told) = test.run(1, &Stream { retries: None, ..stream() }, &function).await;
    assert_eq!(handed.len(), 100);
    assert!(test.dead().is_empty());
    assert_eq!(told.len(), 2, "{told:?}");
}

#[tokio::test]
async fn a_function_that_cannot_be_asked_has_not_failed() {
    let test = Test::new();
    let tries = Mutex::new(0);
    let function = function(move |numbers: &[usize]| {
        *tries.lock().unwrap() += 1;
        let answers = *tries.lock().unwrap() == 10;
        if answers { works(numbers) } else { Err(Failure::Unavailable("compiling".to_owned())) }
    });
    let (handed, told) = test.run(2, &Stream { bisects: true, ..stream() }, &function).await;
    assert_eq!(handed, vec![vec![1, 2]; 10]);
    assert_eq!(
        told[0],
        "==> delivery, by the table's stream: it did not answer: compiling; tried again"
    );
    assert!(test.dead().is_empty());
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_given_up() {
    let test = Test::new();
    let letters = test.place.log("dead-letters.jsonl");
    std::fs::create_dir(&letters).unwrap();
    let failing = function(fails_at(2));
    let mut consumer = test.consumer(6, &stream(), &failing);
    // It reads, and fails three times.
    for _ in 0..3 {
        consumer.step().await.unwrap();
    }
    assert!(matches!(consumer.step().await, Err(Error::Io(..))));
    std::fs::remove_dir(&letters).unwrap();
    until_idle(&mut consumer).await;
    assert_eq!(test.dead()[0]["DDBStreamBatchInfo"]["startSequenceNumber"], "1");
}
