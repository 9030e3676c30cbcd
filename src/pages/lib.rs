//! What the pages that people read are made of: layout, text, tables, figures, plots and style.
//!
//! Figures and words go in, markup comes out. There are two kinds. A report ([`page`]) is one self-contained HTML file: it has no
//! script and loads nothing. A page of the application ([`app_page`]) loads its style and two scripts from the service that sends it,
//! and works without them. Both follow the reader's light or dark theme and print in black on white.
//!
//! Markup is written with [`maud`], which escapes whatever is put into it, so no caller has to remember to. The two places that
//! bypass it, the style sheet and the inside of a plot, are in this room. Text from other people's data goes through
//! [`label`] or [`note`], which also bound its length and show control characters.
//!
//! This room knows no HTTP, no store, no file and no clock: equal input gives an equal page.
//!
//! ```
//! use firstline_pages::{Column, Table, label, page, thousands};
//! use maud::{Render, html};
//!
//! let mut table = Table::new([Column::head("Board"), Column::number("Tickets")]);
//! table.row([&label("Network <LAN>"), &thousands(1204)]);
//! let html = page("Boards", &html! { (table) });
//! assert!(html.contains("Network &lt;LAN&gt;") && html.contains("1,204"));
//! ```

pub mod accounts;
mod app;
mod assets;
mod layout;
pub mod manage;
mod numbers;
mod parts;
mod plain;
mod plots;
pub mod review;
mod style;
mod table;
mod text;
mod words;

#[cfg(test)]
mod tests;

pub use app::{APP_POLICY, Frame, Place, Theme, app_page};
pub use assets::{Asset, asset};
pub use layout::{page, styled_page};
pub use numbers::{DASH, percent, percent_range, thousands};
pub use parts::{bar, facts, figure, notes, spark};
pub use plots::{Estimate, LearningCurve, Line, Reliability, RiskCoverage};
pub use style::STYLE;
pub use table::{Column, Table};
pub use text::{label, note};
pub use words::Language;
