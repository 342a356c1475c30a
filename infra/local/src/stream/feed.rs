//! The table's stream in the embedded engine.

use std::{path::PathBuf, time::Duration};

use dynoxide::{
    Database,
    actions::{get_records::GetRecordsRequest, get_shard_iterator::GetShardIteratorRequest},
};
use serde_json::{Value, json};

use crate::{
    engine::{REGION, TABLE},
    error::Error,
};

/// What the engine adds to its own numbers for them to have 21 digits, as DynamoDB's have.
const SEQUENCE_OFFSET: u128 = 100_000_000_000_000_000_000;

/// How many records are removed at once: the table cannot be written to meanwhile.
const TRIMMED_AT_ONCE: i64 = 1_000;

/// A stream of records in order, each with the sequence number of its own.
pub trait Feed: Send + Sync + 'static {
    /// The stream's name, which is another where the table was made anew.
    fn arn(&self) -> &str;

    /// The first records after a sequence number; without one, from the beginning.
    ///
    /// # Errors
    /// [`Error::Engine`].
    fn after(&self, sequence: Option<&str>, limit: usize) -> Result<Vec<Value>, Error>;

    /// The sequence number of the newest record.
    ///
    /// # Errors
    /// [`Error::Engine`].
    fn newest(&self) -> Result<Option<String>, Error>;
}

/// The engine's stream.
pub struct TableStream {
    database: Database,
    file: PathBuf,
    /// As the engine has it, which knows no region.
    own_arn: String,
    arn: String,
    shard: String,
}

impl TableStream {
    /// The stream of the table in an engine, which keeps it in a file.
    ///
    /// # Errors
    /// [`Error::Engine`] where the table has none.
    pub fn open(database: Database, file: PathBuf) -> Result<Self, Error> {
        let request = serde_json::from_value(json!({"TableName": TABLE})).map_err(engine)?;
        let streams = database.list_streams(request).map_err(engine)?;
        let streams = serde_json::to_value(streams).map_err(engine)?;
        let arn = streams["Streams"][0]["StreamArn"].as_str();
        let own_arn = arn.ok_or_else(|| engine("the table has no stream"))?.to_owned();
        let request = serde_json::from_value(json!({"StreamArn": own_arn})).map_err(engine)?;
        let described = database.describe_stream(request).map_err(engine)?.stream_description;
        let shard = described.shards.into_iter().next().ok_or_else(|| engine("no shard"))?.shard_id;
        let arn =
            own_arn.split(':').enumerate().map(|(n, part)| if n == 3 { REGION } else { part });
        let arn = arn.collect::<Vec<_>>().join(":");
        Ok(Self { database, file, own_arn, arn, shard })
    }

    /// Removes records up to a sequence number, which itself stays: the engine gives the next one a
    /// higher number than the last has.
    ///
    /// # Errors
    /// [`Error::Engine`].
    pub fn trim(&self, before: &str) -> Result<(), Error> {
        let number = before.parse::<u128>().ok().and_then(|n| n.checked_sub(SEQUENCE_OFFSET));
        let number = number.and_then(|number| i64::try_from(number).ok());
        let number = number.ok_or_else(|| engine(format!("no sequence number: {before}")))?;
        let connection = rusqlite::Connection::open(&self.file).map_err(engine)?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(engine)?;
        let sql = "DELETE FROM _stream_records WHERE id IN (
                       SELECT id FROM _stream_records
                       WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) < ?2 LIMIT ?3)";
        while connection.execute(sql, (TABLE, number, TRIMMED_AT_ONCE)).map_err(engine)? > 0 {}
        Ok(())
    }
}

impl Feed for TableStream {
    fn arn(&self) -> &str {
        &self.arn
    }

    fn after(&self, sequence: Option<&str>, limit: usize) -> Result<Vec<Value>, Error> {
        let kind = if sequence.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" };
        let request = GetShardIteratorRequest {
            stream_arn: self.own_arn.clone(),
            shard_id: self.shard.clone(),
            shard_iterator_type: kind.to_owned(),
            sequence_number: sequence.map(ToOwned::to_owned),
        };
        let iterator = self.database.get_shard_iterator(request).map_err(engine)?.shard_iterator;
        let shard_iterator = iterator.unwrap_or_default();
        let request = GetRecordsRequest { shard_iterator, limit: Some(limit) };
        let records = self.database.get_records(request).map_err(engine)?.records;
        let records = records.into_iter().map(|record| {
            let created =
                Duration::from_secs_f64(record.dynamodb.approximate_creation_date_time.max(0.0));
            let mut value = serde_json::to_value(record).map_err(engine)?;
            value["awsRegion"] = REGION.into();
            value["eventSourceARN"] = self.arn.clone().into();
            value["dynamodb"]["ApproximateCreationDateTime"] = created.as_secs().into();
            Ok(value)
        });
        records.collect()
    }

    fn newest(&self) -> Result<Option<String>, Error> {
        let request = serde_json::from_value(json!({"StreamArn": self.own_arn})).map_err(engine)?;
        let described = self.database.describe_stream(request).map_err(engine)?.stream_description;
        let shard = described.shards.into_iter().next();
        Ok(shard.and_then(|shard| shard.sequence_number_range.ending_sequence_number))
    }
}

fn engine(error: impl std::fmt::Display) -> Error {
    Error::Engine(error.to_string())
}
