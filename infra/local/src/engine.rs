//! The DynamoDB engine: embedded, in a file, speaking the wire protocol on loopback.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use dynoxide::Database;
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{error::Error, stream::TableStream, template::Template};

/// The table's name.
pub const TABLE: &str = "settings-local";

/// The region that the functions are told.
pub const REGION: &str = "us-east-1";

/// How often items are removed whose time to live is over. In AWS it takes up to two days.
const SWEEP: Duration = Duration::from_mins(1);

/// A running engine. It ends when the value is dropped.
pub struct Engine {
    /// Where it listens.
    pub url: String,
    database: Database,
    file: PathBuf,
    tasks: Vec<JoinHandle<()>>,
}

impl Engine {
    /// Starts the engine on a file, and creates the template's table unless it is there.
    ///
    /// # Errors
    /// [`Error::Engine`].
    pub async fn start(file: &Path, template: &Template) -> Result<Self, Error> {
        let path = file.display().to_string();
        let database = Database::new(&path).map_err(engine)?;
        create_table(&database, template)?;
        index_stream(file)?;
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Error::io("loopback"))?;
        let address = listener.local_addr().map_err(Error::io("loopback"))?;
        let server = tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        let swept = database.clone();
        let sweeper = tokio::spawn(async move {
            let mut timer = tokio::time::interval(SWEEP);
            loop {
                timer.tick().await;
                let database = swept.clone();
                // A sweep that fails is tried again in a minute.
                let _ = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
            }
        });
        let (url, tasks) = (format!("http://{address}"), vec![server, sweeper]);
        Ok(Self { url, database, file: file.to_owned(), tasks })
    }

    /// The table's stream.
    ///
    /// # Errors
    /// [`Error::Engine`] where the table has none.
    pub fn stream(&self) -> Result<TableStream, Error> {
        TableStream::open(self.database.clone(), self.file.clone())
    }

    /// The engine itself.
    #[cfg(test)]
    pub(crate) const fn database(&self) -> &Database {
        &self.database
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn create_table(database: &Database, template: &Template) -> Result<(), Error> {
    let existing =
        database.list_tables(serde_json::from_str("{}").map_err(refused)?).map_err(engine)?;
    if existing.table_names.iter().any(|name| name == TABLE) {
        return create_indexes(database, template);
    }
    let request = serde_json::from_value(template.create_table(TABLE)).map_err(refused)?;
    database.create_table(request).map_err(engine)?;
    if let Some(request) = template.time_to_live(TABLE) {
        let request = serde_json::from_value(request).map_err(refused)?;
        database.update_time_to_live(request).map_err(engine)?;
    }
    Ok(())
}

/// Creates the indexes that the template has got since the table was made.
fn create_indexes(database: &Database, template: &Template) -> Result<(), Error> {
    let request = serde_json::from_value(json!({"TableName": TABLE})).map_err(refused)?;
    let table = database.describe_table(request).map_err(engine)?;
    let table = serde_json::to_value(table).map_err(refused)?;
    let indexes = table["Table"]["GlobalSecondaryIndexes"].as_array().cloned().unwrap_or_default();
    for (name, request) in template.create_indexes(TABLE) {
        if !indexes.iter().any(|index| index["IndexName"] == name.as_str()) {
            let request = serde_json::from_value(request).map_err(refused)?;
            database.update_table(request).map_err(engine)?;
        }
    }
    Ok(())
}

/// The engine looks for a stream's newest record at every write, among all of them: an index keeps
/// that from becoming slower with every write. It is made over a connection of its own.
fn index_stream(file: &Path) -> Result<(), Error> {
    let sql = "CREATE INDEX IF NOT EXISTS local_stream_sequence ON _stream_records
               (table_name, CAST(sequence_number AS INTEGER))";
    let index = || {
        let connection = rusqlite::Connection::open(file)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.execute_batch(sql)
    };
    index().map_err(|error| Error::Engine(error.to_string()))
}

fn engine(error: impl std::fmt::Display) -> Error {
    Error::Engine(error.to_string())
}

fn refused(error: impl std::fmt::Display) -> Error {
    Error::Template(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_table_is_created_once_and_survives() {
        let folder = tempfile::tempdir().unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
        let template = Template::load(&path).unwrap();
        for _ in 0..2 {
            let engine = Engine::start(&folder.path().join("table.db"), &template).await.unwrap();
            assert!(engine.url.starts_with("http://127.0.0.1:"));
        }
    }

    #[tokio::test]
    async fn an_older_table_gets_the_template_s_indexes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("table.db");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
        let template = Template::load(&path).unwrap();
        let database = Database::new(&file.display().to_string()).unwrap();
        let mut older = template.create_table(TABLE);
        older.as_object_mut().unwrap().remove("GlobalSecondaryIndexes");
        older["AttributeDefinitions"].as_array_mut().unwrap().truncate(2);
        database.create_table(serde_json::from_value(older).unwrap()).unwrap();
        drop(database);
        let engine = Engine::start(&file, &template).await.unwrap();
        let query = json!({
            "TableName": TABLE, "IndexName": "due", "KeyConditionExpression": "due_shard = :shard",
            "ExpressionAttributeValues": {":shard": {"S": "0"}},
        });
        let found = engine.database().query(serde_json::from_value(query).unwrap()).unwrap();
        assert_eq!(found.count, 0);
    }
}
