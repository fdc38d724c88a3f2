//! `cargo dev soak`: runs that are long, large, hostile or killed, and what must hold of them.

mod corpus;
mod database;
mod hostile;
mod jobs;
mod kill;
mod large;
mod many;
mod watched;

use crate::cli::{SoakArgs, SoakSection};
use crate::context::Context;

pub(crate) fn soak(context: &Context, args: &SoakArgs) -> anyhow::Result<()> {
    match args.section {
        SoakSection::Hostile => hostile::soak(context),
        SoakSection::Jobs => jobs::soak(context),
        SoakSection::Kill => kill::soak(context, args),
        SoakSection::Large => large::soak(context),
        SoakSection::Many => many::soak(context),
    }
}
