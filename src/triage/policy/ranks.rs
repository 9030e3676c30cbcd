//! How priorities rank, and what a wrong one costs. Which names are of which rank is data; how a name is read is in `names`,
//! the order of a desk's labels in `order`.

use std::sync::LazyLock;

use firstline_ticket::LabelSpace;
use serde::{Deserialize, Serialize};

use super::DEFAULT_POLICY;
use super::names::{Names, Words};
use super::order::{self, Level};
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
    /// Words beside a rank; the built-in policy's where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    words: Option<Words>,
}

/// The built-in policy's words, for policies that state none.
static WORDS: LazyLock<Words> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Policy {
        priority: Priority,
    }
    #[derive(Deserialize)]
    struct Priority {
        words: Words,
    }
    toml::from_str::<Policy>(DEFAULT_POLICY).map(|policy| policy.priority.words).unwrap_or_default()
});

impl From<Stated> for Ranks {
    fn from(stated: Stated) -> Self {
        let words = stated.words.as_ref().unwrap_or(&WORDS);
        Self { names: Names::new(&stated.ranks, &stated.numbered, words), stated }
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
        self.names.read(name).map(|said| said.rank)
    }

    /// The levels of a desk's `labels` in its own order; `None` for labels without rank.
    pub(super) fn levels(&self, labels: &[String]) -> Vec<Option<Level>> {
        order::levels(labels.iter().map(|label| self.names.read(label)).collect())
    }

    /// The labels of `space` that have no rank: they are decided by probability alone, and no rule can tell whether they are
    /// urgent enough.
    pub fn unranked<'a>(&self, space: &'a LabelSpace) -> Vec<&'a str> {
        space.labels().iter().filter(|label| self.rank(label).is_none()).map(String::as_str).collect()
    }

    /// The order of those labels of `space` that have a rank; `None` where fewer than two have one. Where the places of labels
    /// tell ranks apart that their words don't, ranks are numbered anew, from 0.
    pub fn ordinal(&self, space: &LabelSpace) -> Option<Ordinal> {
        let ranks = order::numbered(&self.levels(space.labels()));
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
    fn explicit_places_tell_labels_of_one_rank_apart() {
        for desk in [
            "Priority 1 - Emergency Response|Priority 2 - Urgent Response|Priority 3 - Normal Response",
            "P1 - Emergency|P2 - Critical|P3 - Normal",
            "P1 - Kritisch|Prio 2 - Dringend|Prio 3 - Hoch",
            "Prioridad 1 - Urgente|Prioridad 2 - Crítica|Prioridad 3 - Media",
            "P0|P1|P2",
            "Priority 3 - Normal|Priority 4 - Planned|Priority 5 - Low",
            "P1 - Emergency|P2 - Critical|P3 - Normal|P4 - Planned|P5 - Low",
        ] {
            let space = space(&desk.split('|').collect::<Vec<_>>());
            let ranks = ranks().ordinal(&space).unwrap().ranks;
            let of = |label: &str| ranks[space.labels().iter().position(|other| other == label).unwrap()];
            let found: Vec<Option<usize>> = desk.split('|').map(of).collect();
            assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{desk}: {found:?}");
        }
    }

    #[test]
    fn words_decide_where_a_desk_counts_upwards() {
        let ranks = |labels: &[&str]| ranks().ordinal(&space(labels)).unwrap().ranks;
        assert_eq!(
            ranks(&["P1 - Low", "P2 - Medium", "P3 - Critical", "P4 - Urgent"]),
            [3, 2, 0, 0].map(Some)
        );
        assert_eq!(ranks(&["P1 - High", "P2 - Critical"]), [1, 0].map(Some));
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
        Am höchsten = Maximal | Hoch | Moderat | Tief = Tiefe Priorität | Sehr tief = Am niedrigsten = Minimal = 5 - Planung
        La plus élevée | Haute | 3 - Modérée | Faible | La plus faible = 5 - Planification
        La más alta = Más alta = Máximo | Alta | Media | Baja | Más baja = Mínimo = Bajísima = 5 - Planificación
        Mais alta | Alta | Média | Baixa | Mais baixa = 5 - Planejamento
        Più alta = Massimo = Urgentissimo | Alta | Media | Bassa | Più bassa = Minimo = 5 - Pianificazione
        Hoogst | Hoog | Midden = 3 - Matig | Laag | Laagst
        Crit = Show stopper = Show-stopper = Showstopper = ShowStopper | Hi = Severe | Med | Lo = Noncritical = Nonurgent = Non-emergency
        Priority One = Priority I = Severity One = Priority No. 1 = Priorité n° 1 = Prio Nr. 1 = Prioridad Nº1 = Prioridad número 1 | Priority Two = Priority II | Priority Three = Priority III
        Priority No. 1 - Critical = Prioridad nº 1 - Crítica = Critical Standard SLA = Critical (standard SLA) | No. 1 - High = High - no SLA = High - server down = High w/o SLA = Alta con SLA = P1 - High | Standard SLA = Normal business hours | Low, not an emergency = Low - no emergency = Low (no SLA) = Low not an emergency
        Urgence = Urgence (24x7) = Mission critical | Urgence haute = Urgencia: alta = Urgência alta = Urgenza alta | Urgence moyenne
        P1 - Extreme Networks = P1 server down = P1Elevee - Kritisch = P1 - 4 hours = P1 (24x7) = P1: Not used | P2 - normal to high = P2 - Do not use | P3 - Low Voltage = Non-VIP - Normal
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
            Plan P|Unurgent|Above normal|\
            Sans urgence|Aucune urgence|Senza urgenza|Sin urgencia|Sem urgência|Zonder spoed|Ohne Notfall|Least urgent|\
            Least critical|Wenig dringend|Am wenigsten dringend|Weinig urgent|Minst urgent|Nada urgente|Never urgent|\
            Sub-critical|Not at all urgent|Pas du tout urgent|Hardly ever urgent|\
            Not P1|Non-P1|No P1|Below P1|Do not use - P1|Do not use: P1 - Critical|Don't use - High|Not - urgently P1|\
            P2V|P2P|P4H|P1/2|P1 or 2|Priority 1-2|P1 to 3|P1.5|P1 & 2|Priority One/Two|Priority I - III|P2 and below|P1 bis 2|P1 up to P3|No. 1|Nr. 2|nº 1|P I|P-V|\
            Palo Alto|Extreme Networks|Elevated Privileges|Social Media|Low Voltage|Capacity Planning|Major Accounts|McLow|\
            Server P1|High or above|High / Low|Low impact - High urgency|Medium - High";
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
        // Its words are the built-in ones.
        assert_eq!(["Mittel (no SLA)", "not mittel"].map(rank), [Some(2), None]);
        // Training's settings are known by the hash of what is written of them.
        let json = serde_json::to_value(&priority).unwrap();
        assert_eq!(json.as_object().unwrap().len(), 4, "{json}");
        assert_eq!(serde_json::from_value::<Ranks>(json).unwrap(), priority);
    }
}
