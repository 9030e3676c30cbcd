//! Lists of the PSA's tickets against what came in, and the rows that a week has.

use super::*;

#[test]
fn r60_weeks_have_rows_by_scope_customer_and_category_and_r27_what_could_be_sent_as_it_was() {
    let home = home();
    let boss = home.boss();
    home.started(&boss);
    // Of 24 categories two more than there are rows; the largest has 30 tickets more.
    for i in 0..78 {
        let (id, opened) = (format!("w{i}"), day(7, 1) + (i as i64).minutes());
        home.decide(&id, if i % 3 == 0 { "acme" } else { "bolt" }, opened);
        let kind = if i < 48 { format!("Kind {:02}", i / 2) } else { "Kind 00".to_owned() };
        let closed = opened + 3.hours();
        home.close_ticket(&id, ["Desk", &kind, "P2"], closed, closed);
        let distance = if i % 2 == 0 { 0.05 } else { 0.06 };
        home.tell(&id, Outcome { distance: Some(distance), ..Outcome::default() }, closed);
    }
    home.close(day(21, 0));
    let whole = home.week(1, true);
    let rows = &whole.sheet.by_category;
    assert_eq!(rows.len(), 21, "{:?}", rows.keys());
    let count = |row: &str, name: &str| {
        let figure = rows[row].get(name).copied().unwrap_or_default();
        (figure.count, figure.n)
    };
    assert_eq!((count("Desk > Kind 00", "tickets").1, count("others", "tickets").1), (32, 8));
    assert_eq!(count("Desk > Kind 00", "usable_verbatim"), (Some(16), 32));
    assert_eq!(count("Desk > Kind 07", "agreement"), (Some(0), 2));
    assert_eq!(rows["Desk > Kind 00"]["resolution_mean"].value, Some(10_800.0));
    // The rows are a part of the whole.
    for name in ["tickets", "usable_verbatim", "people", "level_one"] {
        let sum: u64 = rows.keys().map(|row| count(row, name).1).sum();
        assert_eq!(sum, figure(&whole, name).1, "{name}");
    }
    assert_eq!(figure(&whole, "usable_verbatim"), (Some(39), 78));
    // All was decided as mail: what was closed otherwise counts against that category, whose row by closing has none of it.
    let decided: Vec<_> =
        whole.sheet.by_decided.iter().map(|(name, found)| (name.as_str(), found.count, found.n)).collect();
    assert_eq!(decided, [("Desk > Mail", Some(0), 78)]);
    let all = weeks(home.store(), home.rules.zone(), 70).unwrap();
    let scopes: Vec<(&str, Option<&str>, bool)> = all
        .iter()
        .filter(|week| week.settled && week.sheet.number == 1)
        .map(|week| (week.scope.as_str(), week.customer.as_deref(), week.sheet.by_category.is_empty()))
        .collect();
    assert_eq!(scopes, [("all", None, false), ("pilots", None, false), ("pilots", Some("acme"), true)]);
}

#[test]
fn r77_a_programme_of_two_years_still_closes_its_weeks() {
    let home = home();
    let boss = home.boss();
    home.started(&boss);
    home.decide("t1", "acme", day(7 * 100, 1));
    home.close_ticket("t1", ["Desk", "Mail", "P2"], day(7 * 100, 3), day(7 * 100, 3));
    home.close(day(7 * 102, 0));
    let all = weeks(home.store(), home.rules.zone(), 70).unwrap();
    let newest = all.iter().rfind(|week| week.scope == "all" && week.settled).unwrap();
    assert_eq!((newest.sheet.number, figure(newest, "tickets").1), (100, 1));
}

#[test]
fn r20_coverage_counts_the_psas_list_and_keeps_no_id() {
    let home = home();
    home.decide("t1", "acme", day(8, 0));
    home.decide("t1", "bolt", day(8, 0));
    home.decide_in("t2", "acme", (day(8, 0), day(10, 0)), Phase::Shadow);
    let ticket = |id: &str, customer: Option<&str>| ListedTicket {
        ticket_id: id.to_owned(),
        customer: customer.map(str::to_owned),
    };
    let tickets = vec![
        ticket("t1", Some("Acme")),
        ticket("t1", Some("acme ")),
        ticket("t1", Some("Cell")),
        ticket(" t2", None),
        ticket("t9", None),
    ];
    let list = Listed { from: day(7, 0), to: day(14, 0), tickets };
    let found = coverage(home.store(), &list, ("test", None), day(14, 0)).unwrap();
    assert_eq!((found.listed, found.found, found.late, found.enough), (4, 2, 1, false));
    assert_eq!(found.missing, ["t1", "t9"]);
    let kept = home.store.verdicts(Some("coverage")).unwrap();
    assert!(!kept[0].figures.to_string().contains("t9"), "{}", kept[0].figures);
    let status = status(home.store(), &home.rules.hours, Phase::Shadow, day(14, 0)).unwrap();
    assert_eq!(status.coverage.map(|coverage| (coverage.found, coverage.listed)), Some((2, 4)));
    for bad in [
        Listed { tickets: Vec::new(), ..list.clone() },
        Listed { from: day(14, 0), ..list.clone() },
        Listed { to: day(200, 0), ..list.clone() },
        Listed { tickets: vec![ticket(" ", None)], ..list.clone() },
        Listed { tickets: vec![ticket(&"x".repeat(300), None)], ..list },
    ] {
        assert_eq!(
            code(&coverage(home.store(), &bad, ("test", None), day(14, 0)).unwrap_err()),
            Some(Code::Request)
        );
    }
}

#[test]
fn r20_a_list_that_leaves_out_what_came_in_is_not_complete() {
    let home = home();
    a_week(&home, 1, 120, 120);
    let counted = |tickets| count(&home, (7, 14), tickets, day(15, 0));
    let whole = counted(listed(1, 120));
    assert_eq!((whole.received, whole.not_listed, whole.enough), (120, 0, true));
    // One ticket that came in, of 120, is 100 % of a list and no coverage; 1 of 120 on no list may be a slip of the clock.
    for (n, missing, enough) in [(1, 119, false), (60, 60, false), (118, 2, false), (119, 1, true)] {
        let found = counted(listed(1, n));
        assert_eq!((found.share, found.not_listed, found.enough), (Some(1.0), missing, enough), "{n}");
    }
    // Without a customer an entry stands for one ticket of its number, and for no two.
    home.decide("w1-1", "acme", day(8, 0));
    let unnamed = |tickets: Vec<ListedTicket>| {
        tickets.into_iter().map(|ticket| ListedTicket { customer: None, ..ticket }).collect::<Vec<_>>()
    };
    assert_eq!(counted(unnamed(listed(1, 120))).not_listed, 1);
    // What was merged or deleted since, the PSA need not list.
    let merged = Outcome { merged_into: Some("w1-0".to_owned()), ..Outcome::default() };
    home.tell("w1-119", merged, day(14, 0));
    home.tell("w1-118", Outcome { deleted: Some(true), ..Outcome::default() }, day(14, 0));
    let rest = counted(unnamed(listed(1, 118)));
    assert_eq!((rest.received, rest.not_listed), (119, 1));
    let ahead = Listed { from: day(7, 0), to: day(14, 0), tickets: listed(1, 120) };
    let refused = coverage(home.store(), &ahead, ("test", None), day(13, 0)).unwrap_err();
    assert_eq!(code(&refused), Some(Code::Request));
}

#[test]
fn r20_the_gate_takes_lists_that_span_the_weeks_it_judges() {
    let home = home();
    let boss = home.boss();
    home.started(&boss);
    for week in 1..4 {
        a_week(&home, week, 110, 108);
    }
    let now = day(42, 0);
    home.close(now);
    let covered = || {
        let verdict = ask(&home, &evidence('a', now, Criteria::EXAMPLE), 'a', (&boss, now));
        let check = verdict.checks.into_iter().find(|check| check.name.contains("of the PSA")).unwrap();
        (check.passed, check.n, check.missing.unwrap_or_default())
    };
    assert_eq!(covered(), (false, 0, "not measured".to_owned()));
    // A list of one day, and a list of a week beside the weeks, cover neither of the others.
    count(&home, (0, 7), vec![ListedTicket { ticket_id: "x".to_owned(), customer: None }], now);
    assert_eq!(covered().2, "not measured");
    count(&home, (7, 14), listed(1, 110), now);
    count(&home, (21, 28), listed(3, 110), now);
    let (passed, n, lacks) = covered();
    assert!(!passed && n == 220 && lacks.contains("no list covers 2026-09-21"), "{n} {lacks}");
    count(&home, (14, 21), listed(2, 110), now);
    assert_eq!(covered(), (true, 330, String::new()));
    // Of lists that overlap the worst stands for both; a later list of all the time replaces them.
    let gone = || (0..9).map(|i| ListedTicket { ticket_id: format!("gone-{i}"), customer: None });
    let across: Vec<ListedTicket> = listed(2, 110).into_iter().chain(gone()).collect();
    count(&home, (13, 21), across, now);
    assert!(!covered().0, "{:?}", covered());
    count(&home, (7, 28), (1..4).flat_map(|week| listed(week, 110)).collect(), now);
    assert_eq!(covered(), (true, 330, String::new()));
    // Picked tickets, however often: the store knows the others.
    count(&home, (7, 28), listed(1, 110), now);
    let (passed, _, lacks) = covered();
    assert!(!passed && lacks.contains("220 of 330 tickets that came in are not on it"), "{lacks}");
    // A list that was whole when it was counted, and to which tickets have come since.
    count(&home, (7, 28), (1..4).flat_map(|week| listed(week, 110)).collect(), now);
    for i in 0..8 {
        home.decide(&format!("late-{i}"), "bolt", day(10, i));
    }
    assert!(covered().2.contains("8 of 338 tickets"), "{:?}", covered());
}

#[test]
fn r24_the_best_technicians_are_named_by_the_settings_else_by_the_tiers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiers.toml");
    std::fs::write(&path, "best = [\"Zoë Ito\", \"ben\"]\n[boards]\nDesk = 1\n").unwrap();
    let best = |named: &str| {
        let settings = crate::Rollout {
            tiers: path.clone(),
            best_technicians: named.to_owned(),
            ..rollout_settings(&home())
        };
        DeskRules::read(&Policy::built_in().unwrap(), &settings).unwrap().best.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(best(""), ["Zoë Ito", "ben"]);
    assert_eq!(best(" ada , "), ["ada"]);
}
