//! How priorities rank, and what a wrong one costs. Which names are of which rank is data; how a name is read is in `names`.

use firstline_ticket::LabelSpace;
use serde::{Deserialize, Serialize};

use super::names::Names;
use crate::model::Ordinal;

/// How priorities rank and what a wrong one costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stated", into = "Stated")]
pub struct Ranks {
    stated: Stated,
    names: Names,
}

/// The same, as a policy states it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    /// Most urgent first: the names that a label of each rank may have.
    ranks: Vec<Vec<String>>,
    /// Words behind which a number is a place in the order, 1 the most urgent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    numbered: Vec<String>,
    /// Cost of a label one rank too low.
    under_call: f64,
    /// Cost of a label one rank too high.
    over_call: f64,
    /// What each further rank adds, as a share of that.
    step: f64,
}

impl From<Stated> for Ranks {
    fn from(stated: Stated) -> Self {
        Self { names: Names::new(&stated.ranks, &stated.numbered), stated }
    }
}

impl From<Ranks> for Stated {
    fn from(ranks: Ranks) -> Self {
        ranks.stated
    }
}

impl Ranks {
    /// The rank of a label by its name, 0 the most urgent; `None` where its name says none.
    pub fn rank(&self, name: &str) -> Option<usize> {
        self.names.rank(name)
    }

    /// The labels of `space` that have no rank: they are decided by probability alone, and no rule can tell whether they are
    /// urgent enough.
    pub fn unranked<'a>(&self, space: &'a LabelSpace) -> Vec<&'a str> {
        space.labels().iter().filter(|label| self.rank(label).is_none()).map(String::as_str).collect()
    }

    /// The order of those labels of `space` that have a rank; `None` where fewer than two have one.
    pub fn ordinal(&self, space: &LabelSpace) -> Option<Ordinal> {
        let ranks: Vec<Option<usize>> = space.labels().iter().map(|label| self.rank(label)).collect();
        let Stated { under_call, over_call, step, .. } = self.stated;
        (ranks.iter().flatten().count() > 1).then_some(Ordinal { ranks, under_call, over_call, step })
    }

    /// Whether the costs are within bounds.
    pub(super) fn is_sound(&self) -> bool {
        let Stated { under_call, over_call, step, .. } = self.stated;
        [under_call, over_call, step].iter().all(|c| (0.0..=1e6).contains(c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    fn ranks() -> Ranks {
        Policy::built_in().unwrap().priority
    }

    fn space(labels: &[&str]) -> LabelSpace {
        LabelSpace::new(labels.iter().map(|label| (*label).to_owned()))
    }

    #[test]
    fn labels_are_ranked_by_name_or_not_at_all() {
        let of = |labels: &[&str]| ranks().ordinal(&space(labels));
        assert_eq!(of(&["high", "low", "medium"]).unwrap().ranks, [1, 3, 2].map(Some));
        assert!(of(&["High", "Whenever"]).is_none(), "one label alone has no order");
        assert_eq!(ranks().unranked(&space(&["High", "Whenever"])), ["Whenever"]);
    }

    #[test]
    fn one_unknown_name_leaves_the_order_of_the_others() {
        let ordinal = ranks().ordinal(&space(&["Critical", "Low", "Project"])).unwrap();
        assert_eq!(ordinal.ranks, [Some(0), Some(3), None]);
        let numbers = space(&["1", "2", "3", "4"]);
        assert!(ranks().ordinal(&numbers).is_none());
        assert_eq!(ranks().unranked(&numbers), ["1", "2", "3", "4"]);
    }

    /// One desk a line, its priorities by falling urgency; `=` between names of one rank.
    const DESKS: &str = "
        P1 - Critical | P2 - High | P3 - Medium | P4 - Low
        Priority 1 - Emergency Response | Priority 2 - Quick Response | Priority 3 - Normal Response | Priority 4 - Scheduled Maintenance | No SLA
        3 high | 2 normal | 1 low
        5 very high | 4 high | 3 normal | 2 low | 1 very low
        Blocker | Major | Minor | Trivial
        Highest | High | Medium | Low | Lowest
        Hoch | Mittel | Niedrig
        Haute | Moyenne | Basse
        4 - Critical | 1 - High | 2 - Medium | 3 - Low
        1-Critical | 2-High | 3-Moderate | 4-Low | 5-Planning
        Emergency = Urgent = CRITICAL | high | Standard = Normal | low | Planned
        P1 = p-1 = P 1 = Prio 1 = Prio1 = PRIO-1 = Priorität 1 = Prioritaet 1 = S1 | P2 = Sev 2 = SEV-2 = Priorité 2 | P3 = Severity 3 = Prioridad 3 | P4 = Prioridade 4 = Priorità 4 | P5 = Prioriteit: 5
        Critical (24x7) | VIP - High | Medium_SLA | LowPriority
        Kritisch = KRITISCH = Sehr hoch = Dringend = Notfall = Höchste = Hoechste | Hoch = Hohe Priorität | Mittel = Normal | Niedrig = Gering | Sehr niedrig = Geplant
        Critique = Urgence = Bloquante = Très haute | Élevée = Elevee = e\u{301}leve\u{301}e = Haute priorité | Moyenne = Normale = Modérée | Basse = Faible | Planifiée
        Crítico = critico = CRITICO = Urgente = Muy alta | Alta = Alta prioridad = Alto | Media = Normal | Baja | Muy baja
        Crítica = Emergência = Muito alta | Alta = Elevada | Média = MEDIA | Baixa = Não urgente | Muito baixa
        Critica = Urgenza = Bloccante = Molto alta | Alta = Elevata | Media = Normale | Bassa | Molto bassa = Pianificata
        Kritiek = Spoed = Hoogste = Zeer hoog | Hoog | Gemiddeld = Normaal | Laag = Niet dringend | Zeer laag = Gepland
    ";

    #[test]
    fn usual_spellings_have_the_rank_that_they_say() {
        let ranks = ranks();
        for desk in DESKS.lines().map(str::trim).filter(|desk| !desk.is_empty()) {
            let mut above = None;
            for names in desk.split('|') {
                let found: Vec<Option<usize>> = names.split('=').map(|name| ranks.rank(name)).collect();
                assert!(
                    found[0].is_some() && found.iter().all(|rank| *rank == found[0]),
                    "{names}: {found:?}"
                );
                assert!(above < found[0], "{desk}: {names}");
                above = found[0];
            }
        }
    }

    #[test]
    fn what_only_resembles_a_priority_has_no_rank() {
        let names = "|1|4|10|None|Do not use|Do not use - High|Do Not Respond|VIP|Project|Lowell|Highland|Hochschule|Normandie|\
            Level 1|Tier 2|P42|P4h|1 - Server down|24x7|No priority|Not set|Medium to High|Less critical|P1/P2|S1 - Pump|\
            Plan P|Unurgent|Above normal";
        for name in names.split('|') {
            assert_eq!(ranks().rank(name), None, "{name}");
        }
    }

    #[test]
    fn no_name_stands_in_two_ranks() {
        let ranks = ranks();
        for (rank, names) in ranks.stated.ranks.iter().enumerate() {
            for name in names {
                assert_eq!(ranks.rank(name), Some(rank), "{name}");
            }
        }
    }

    #[test]
    fn a_policy_of_the_older_shape_is_read_and_ranks_what_it_lists() {
        let costs = "under_call = 1.25\nover_call = 1.0\nstep = 0.25\n";
        let old = format!("[priority]\nranks = [[\"4\", \"p1\"], [\"1\"], [\"2\", \"mittel\"]]\n{costs}");
        let priority = Policy::parse(&old, "p").unwrap().priority;
        let rank = |name: &str| priority.rank(name);
        assert_eq!(["4", "1", "2", "P1", "Mittel"].map(rank), [Some(0), Some(1), Some(2), Some(0), Some(2)]);
        assert_eq!(["3", "P2", "High"].map(rank), [None; 3]);
        // Training's settings are known by the hash of what is written of them.
        let json = serde_json::to_value(&priority).unwrap();
        assert_eq!(json.as_object().unwrap().len(), 4, "{json}");
        assert_eq!(serde_json::from_value::<Ranks>(json).unwrap(), priority);
    }
}
