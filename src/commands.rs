//! Contains one file per subcommand, each with a function named after the subcommand. Two files are not subcommands:
//! `reset` implements `run --reset`, and `provisioned` contains the startup that several subcommands share.

mod cluster;
mod consume;
mod dashboard;
mod dataflow;
mod generate;
mod health;
mod http_source;
mod keys;
mod local_cluster;
mod provision;
mod provisioned;
mod reset;
mod rules;
mod run;
mod score;
mod sql;
mod up;
mod web_api;

use crate::cli::Command;

pub(crate) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up(args) => up::up(args).await,
        Command::LocalCluster(args) => local_cluster::local_cluster(args).await,
        Command::Cluster(args) => cluster::cluster(args).await,
        Command::Provision(args) => provision::provision(args).await,
        Command::Health(args) => health::health(args).await,
        Command::Generate(args) => generate::generate(args).await,
        Command::HttpSource(args) => http_source::http_source(args).await,
        Command::Run(args) => run::run(args).await,
        Command::Consume(args) => consume::consume(args).await,
        Command::Dataflow(args) => dataflow::dataflow(&args),
        Command::Sql(args) => sql::sql(args).await,
        Command::Score(args) => score::score(args).await,
        Command::Rules(args) => rules::rules(args).await,
        Command::WebApi(args) => web_api::web_api(args).await,
        Command::Dashboard(args) => dashboard::dashboard(args).await,
        Command::Keys(args) => keys::keys(args),
    }
}
