//! The people of the desk, for who has the right `admin` for all customers: who there are, new ones, links, and who no longer is let in.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use firstline_fault::Code;
use firstline_pages::accounts::{self as page_of, People, Person};
use firstline_store::{CustomerSet, KeyRecord, UserRecord};
use firstline_triage::customer_key;

use super::me::customers;
use super::{Form, PageProblem, page, see, status, viewer, when};
use crate::accounts::{self, NewLink, SignedIn};
use crate::auth::Scope;
use crate::problem::Problem;
use crate::shared::Shared;

const PEOPLE: &str = "/people";
/// What each right allows.
const RIGHTS: [(Scope, &str); 5] = [
    (Scope::Review, "see and review drafts"),
    (Scope::Manage, "put criteria on record, decide incidents, pause and hold"),
    (Scope::ApproveRollout, "start the rollout, pass its gates, end holds"),
    (Scope::Stop, "stop everything but recording"),
    (Scope::Admin, "all, and who may sign in"),
];

/// The page.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    person: SignedIn,
) -> Result<Response, PageProblem> {
    Ok(Html(shown(&shared, &person, (None, None)).await?).into_response())
}

async fn shown(
    shared: &Arc<Shared>,
    person: &SignedIn,
    (problem, link): (Option<&str>, Option<(&str, &NewLink)>),
) -> Result<String, Problem> {
    person.caller.may_for_all(Scope::Admin)?;
    let (users, keys) = shared.blocking(|shared| Ok((shared.store.users()?, shared.store.keys()?))).await?;
    let people: Vec<Person> = users.iter().map(|user| in_words(user, &keys)).collect();
    let rights = RIGHTS.map(|(right, words)| (right.name(), words));
    Ok(page_of::people(&People {
        problem,
        link: link.map(|(name, link)| (name, link.path.expose())),
        viewer: viewer(person),
        people: &people,
        rights: &rights,
    }))
}

fn in_words(user: &UserRecord, keys: &[KeyRecord]) -> Person {
    let key = keys.iter().find(|key| key.person.as_ref() == Some(&user.name) && key.revoked_at.is_none());
    let state = match (user.disabled_at, &user.hash, &user.link) {
        _ if user.altered => "changed in the database: refused".to_owned(),
        (Some(at), ..) => format!("disabled {}", when(at)),
        (None, Some(_), _) => "has a password".to_owned(),
        (None, None, Some(link)) => format!("has a link until {}", when(link.until)),
        (None, None, None) => "has no password".to_owned(),
    };
    Person {
        id: user.id.clone(),
        name: user.name.clone(),
        display: user.display.clone(),
        rights: user.rights.join(", "),
        customers: customers(&user.customers),
        state,
        key: key.map(|key| key.id.clone()).unwrap_or_default(),
        is_enabled: user.is_enabled(),
    }
}

/// Adds a person, and shows their link this once.
pub(super) async fn add(
    State(shared): State<Arc<Shared>>,
    person: SignedIn,
    form: Result<Form, Problem>,
) -> Result<Response, PageProblem> {
    let form = form?;
    person.caller.may_for_all(Scope::Admin)?;
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
        Ok(link) => {
            Ok(Html(shown(&shared, &person, (None, Some((&shown_name, &link)))).await?).into_response())
        }
        Err(problem) if [400, 409].contains(&problem.status) => {
            let html = shown(&shared, &person, (Some(&problem.detail), None)).await?;
            Ok(page(status(&problem), html, &problem))
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
    Ok(Html(shown(&shared, &person, (None, Some((&name, &link)))).await?).into_response())
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
