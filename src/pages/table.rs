//! Tables: the columns say how their cells look.

use maud::{Markup, Render, html};

/// How the cells of a column look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Head,
    Name,
    Number,
    Text,
    Picture,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    heading: &'a str,
    kind: Kind,
}

impl<'a> Column<'a> {
    /// The names of the rows.
    pub const fn head(heading: &'a str) -> Self {
        Self { heading, kind: Kind::Head }
    }

    /// The names of the rows, where they are short enough to stay on one line.
    pub const fn name(heading: &'a str) -> Self {
        Self { heading, kind: Kind::Name }
    }

    /// Figures, set flush right.
    pub const fn number(heading: &'a str) -> Self {
        Self { heading, kind: Kind::Number }
    }

    /// Words.
    pub const fn text(heading: &'a str) -> Self {
        Self { heading, kind: Kind::Text }
    }

    /// Pictures of figures that stand in another column, so a screen reader skips them.
    pub const fn picture() -> Self {
        Self { heading: "", kind: Kind::Picture }
    }

    fn class(self) -> Option<&'static str> {
        match self.kind {
            Kind::Name => Some("name"),
            Kind::Number => Some("n"),
            Kind::Head | Kind::Text | Kind::Picture => None,
        }
    }

    fn hidden(self) -> Option<&'static str> {
        (self.kind == Kind::Picture).then_some("true")
    }

    fn top(self) -> Markup {
        html! { th scope="col" class=[self.class()] aria-hidden=[self.hidden()] { (self.heading) } }
    }

    fn cell(self, content: &Markup) -> Markup {
        match self.kind {
            Kind::Head | Kind::Name => html! { th scope="row" class=[self.class()] { (content) } },
            _ => html! { td class=[self.class()] aria-hidden=[self.hidden()] { (content) } },
        }
    }
}

/// A table of `N` columns. Where no column has a heading, the table has no head.
#[derive(Debug, Clone)]
pub struct Table<'a, const N: usize> {
    columns: [Column<'a>; N],
    class: Option<&'static str>,
    caption: Option<String>,
    rows: Vec<[Markup; N]>,
}

impl<'a, const N: usize> Table<'a, N> {
    /// An empty table.
    pub const fn new(columns: [Column<'a>; N]) -> Self {
        Self { columns, class: None, caption: None, rows: Vec::new() }
    }

    /// Gives it a class of the style sheet.
    #[must_use]
    pub const fn class(mut self, class: &'static str) -> Self {
        self.class = Some(class);
        self
    }

    /// Gives it a caption.
    #[must_use]
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = Some(caption.into());
        self
    }

    /// Adds a row, one cell a column.
    pub fn row(&mut self, cells: [&dyn Render; N]) {
        self.rows.push(cells.map(Render::render));
    }

    /// Whether it has no row yet.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl<const N: usize> Render for Table<'_, N> {
    fn render(&self) -> Markup {
        let has_head = self.columns.iter().any(|c| !c.heading.is_empty());
        html! {
            table class=[self.class] {
                @if let Some(caption) = &self.caption { caption { (caption) } }
                @if has_head { thead { tr { @for column in &self.columns { (column.top()) } } } }
                tbody {
                    @for row in &self.rows {
                        "\n"
                        tr { @for (column, content) in self.columns.iter().zip(row) { (column.cell(content)) } }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_say_how_their_cells_look() {
        let columns =
            [Column::head("Board"), Column::number("Tickets"), Column::text("Note"), Column::picture()];
        let mut table = Table::new(columns).class("bars").caption("A < B");
        assert!(table.is_empty());
        table.row([&"a&b", &7, &html! { i { "none" } }, &""]);
        assert_eq!(
            table.render().into_string(),
            "<table class=\"bars\"><caption>A &lt; B</caption><thead><tr><th scope=\"col\">Board</th>\
             <th scope=\"col\" class=\"n\">Tickets</th><th scope=\"col\">Note</th>\
             <th scope=\"col\" aria-hidden=\"true\"></th></tr></thead><tbody>\n\
             <tr><th scope=\"row\">a&amp;b</th><td class=\"n\">7</td><td><i>none</i></td>\
             <td aria-hidden=\"true\"></td></tr></tbody></table>"
        );
    }

    #[test]
    fn without_headings_there_is_no_head() {
        let mut table = Table::new([Column::name(""), Column::number("")]);
        table.row([&"Right", &12]);
        assert_eq!(
            table.render().into_string(),
            "<table><tbody>\n<tr><th scope=\"row\" class=\"name\">Right</th><td class=\"n\">12</td></tr></tbody></table>"
        );
    }
}
