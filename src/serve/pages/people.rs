//! The people of the desk, for who has the right `admin` for all customers: who there are, new ones, links, and who no longer is let in.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use firstline_fault::Code;
use firstline_pages::Place;
use firstline_pages::accounts::{Fault, PeopleView, Person, Standing, people_page};
use firstline_store::{CustomerSet, KeyRecord, UserRecord};
use firstline_triage::customer_key;
use jiff::tz::TimeZone;

use super::look::Look;
use super::me::customers;
use super::view::moment;
use super::viewer::Viewer;
use super::{Form, PageProblem, answer, see, zone};
use crate::accounts::{self, NewLink, SignedIn};
use crate::auth::Scope;
use crate::problem::Problem;
use crate::shared::Shared;

const PEOPLE: &str = "/people";

/// The page.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    look: Look,
    person: SignedIn,
) -> Result<Response, PageProblem> {
    Ok(shown(&shared, &Viewer::of(&person, look), (None, None)).await?)
}

async fn shown(
    shared: &Arc<Shared>,
    viewer: &Viewer,
    (fault, link): (Option<Fault<'_>>, Option<(&str, &NewLink)>),
) -> Result<Response, Problem> {
    viewer.caller.may_for_all(Scope::Admin)?;
    let all = shared.blocking(|shared| {
        let (users, keys, zone) = (shared.store.users()?, shared.store.keys()?, zone(shared));
        Ok(users.into_iter().map(|user| in_words(user, &keys, &zone)).collect::<Vec<Person>>())
    });
    let people = all.await?;
    let link = link.map(|(name, link)| (name, link.path.expose()));
    let main = people_page(&PeopleView { fault, link, people: &people }, viewer.look.language);
    Ok(answer::page_at(viewer.reader(), (Place::People, false), (StatusCode::OK, "", PEOPLE), &main))
}

fn in_words(user: UserRecord, keys: &[KeyRecord], zone: &TimeZone) -> Person {
    let key = keys.iter().find(|key| key.person.as_ref() == Some(&user.name) && key.revoked_at.is_none());
    let standing = match (user.disabled_at, &user.hash, &user.link) {
        _ if user.altered => Standing::Altered,
        (Some(at), ..) => Standing::Disabled(moment(at, zone)),
        (None, Some(_), _) => Standing::HasPassword,
        (None, None, Some(link)) => Standing::HasLink(moment(link.until, zone)),
        (None, None, None) => Standing::HasNothing,
    };
    Person {
        is_enabled: user.is_enabled(),
        customers: customers(&user.customers),
        key: key.map(|key| key.id.clone()).unwrap_or_default(),
        standing,
        id: user.id,
        name: user.name,
        display: user.display,
        rights: user.rights,
    }
}

/// Adds a person, and shows their link this once.
pub(super) async fn add(
    State(shared): State<Arc<Shared>>,
    look: Look,
    person: SignedIn,
    form: Result<Form, Problem>,
) -> Result<Response, PageProblem> {
    let form = form?;
    person.caller.may_for_all(Scope::Admin)?;
    let viewer = Viewer::of(&person, look);
    let (name, display) = (form.get("name").to_owned(), form.get("display").to_owned());
    let (actor, shown_name) = (person.caller.key.clone(), name.clone());
    let asked = rights(&form).map(|rights| (rights, held_to(form.get("customers"))));
    let added = match asked {
        Ok((rights, customers)) => {
            let add =
                move |shared: &Shared| accounts::add(shared, (&name, &display), (&rights, customers), &actor);
            shared.blocking(add).await
        }
        Err(problem) => Err(problem),
    };
    match added {
        Ok(link) => Ok(shown(&shared, &viewer, (None, Some((&shown_name, &link)))).await?),
        Err(problem) if [400, 409].contains(&problem.status) => {
            let fault = Some(Fault::Told(&problem.detail));
            Ok(answer::with(&problem, shown(&shared, &viewer, (fault, None)).await?))
        }
        Err(problem) => Err(problem.into()),
    }
}

fn rights(form: &Form) -> Result<BTreeSet<Scope>, Problem> {
    let next = "Choose one at least: review, manage, approve_rollout, stop, admin";
    let fault = |problem: &str| Problem::new(Code::Config, "the rights", problem, next);
    let right = |name: &str| Scope::RIGHTS.into_iter().find(|right| right.name() == name);
    let asked = form.all("right").map(|name| right(name).ok_or_else(|| fault("there is no such right")));
    let rights: BTreeSet<Scope> = asked.collect::<Result<_, _>>()?;
    if rights.is_empty() { Err(fault("there is none")) } else { Ok(rights) }
}

/// The customers of a field with one on each line.
fn held_to(lines: &str) -> CustomerSet {
    let named: BTreeSet<String> =
        lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(customer_key).collect();
    if named.is_empty() { CustomerSet::All } else { CustomerSet::Only(named) }
}

/// Gives a person a new link, and shows it this once.
pub(super) async fn link(
    State(shared): State<Arc<Shared>>,
    look: Look,
    person: SignedIn,
    form: Result<Form, Problem>,
) -> Result<Response, PageProblem> {
    let form = form?;
    person.caller.may_for_all(Scope::Admin)?;
    let (id, actor) = (form.get("id").to_owned(), person.caller.key.clone());
    let made = shared.blocking(move |shared| {
        let now = shared.clock.now();
        let link = NewLink::new(now)?;
        let name = shared.store.users()?.into_iter().find(|user| user.id == id).map(|user| user.name);
        let is_set = shared.store.set_link(&id, &link.link, &actor, now)?;
        name.filter(|_| is_set).map(|name| (name, link)).ok_or_else(nobody)
    });
    let (name, link) = made.await?;
    Ok(shown(&shared, &Viewer::of(&person, look), (None, Some((&name, &link)))).await?)
}

/// Disables a person. Nobody disables themselves here: somebody has to be left.
pub(super) async fn disable(
    State(shared): State<Arc<Shared>>,
    person: SignedIn,
    form: Result<Form, Problem>,
) -> Result<Response, PageProblem> {
    let form = form?;
    person.caller.may_for_all(Scope::Admin)?;
    let (id, actor) = (form.get("id").to_owned(), person.caller.key);
    if id == person.user.id {
        let next = "Have another administrator do it, or run: firstline users disable";
        let problem = Problem::new(Code::Conflict, "the person", "that is you", next);
        return Err(problem.into());
    }
    let disabled =
        shared.blocking(move |shared| Ok(shared.store.disable_user(&id, &actor, shared.clock.now())?));
    if disabled.await? { Ok(see(PEOPLE)) } else { Err(nobody().into()) }
}

fn nobody() -> Problem {
    Problem::new(Code::NotFound, "the person", "there is no such enabled person", "Look at /people again")
}

#[cfg(test)]
mod tests {
    use firstline_pages::accounts::Right;

    use super::*;

    #[test]
    fn the_page_offers_every_right_of_a_person() {
        assert_eq!(Right::ALL.map(Right::name), Scope::RIGHTS.map(Scope::name));
    }
}
