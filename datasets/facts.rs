//! What one ticket is about: the person, the machine, the file. Drawn once, so that text, replies and
//! resolution speak of the same things.

use crate::catalog::Catalog;
use crate::dice::Dice;
use crate::world::{Contact, Customer};

macro_rules! facts {
    ($($variant:ident $name:literal),+ $(,)?) => {
        /// A slot that phrases can name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Fact { $($variant),+ }

        impl Fact {
            const COUNT: usize = [$($name),+].len();

            /// The fact that phrases call `name`.
            pub(crate) fn by_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Fact::$variant),)+ _ => None }
            }
        }
    };
}

facts! {
    First "first", Last "last", User "user", Colleague "colleague", ColleagueFirst "colleague_first",
    Manager "manager", Device "device", Host "host", Printer "printer", Netdev "netdev", App "app",
    Tool "tool", Site "site", Room "room", Floor "floor", Error "error", Version "version", Ext "ext",
    Phone "phone", File "file", Folder "folder", Mailbox "mailbox", Group "group", Domain "domain",
    Sender "sender", Day "day", Time "time", Amount "amount", Percent "percent", Digit "digit",
    Drive "drive", Job "job", Share "share", Product "product", Ip "ip", Company "company",
}

/// The values of all facts of one ticket.
#[derive(Debug, Clone)]
pub(crate) struct Facts([String; Fact::COUNT]);

impl Default for Facts {
    fn default() -> Self {
        Self(std::array::from_fn(|_| String::new()))
    }
}

impl Facts {
    pub(crate) fn get(&self, fact: Fact) -> &str {
        &self.0[fact as usize]
    }

    pub(crate) fn set(&mut self, fact: Fact, value: String) {
        self.0[fact as usize] = value;
    }

    /// Draws the facts of a ticket that `contact` of `customer` opens.
    pub(crate) fn draw(
        customer: &Customer,
        contact: &Contact,
        catalog: &Catalog,
        product: &str,
        dice: &mut Dice,
    ) -> Self {
        let slots = &catalog.slots;
        let mut facts = Self::default();
        facts.people(customer, contact, dice);
        facts.things(customer, contact, dice);
        facts.set(Fact::Product, product.to_owned());
        let mut from = |fact, list: &[String]| facts.set(fact, dice.pick(list).clone());
        from(Fact::Tool, &slots.tools);
        from(Fact::Room, &slots.rooms);
        from(Fact::Floor, &slots.floors);
        from(Fact::Error, &slots.errors);
        from(Fact::Version, &slots.versions);
        from(Fact::File, &slots.files);
        from(Fact::Folder, &slots.folders);
        from(Fact::Group, &slots.groups);
        from(Fact::Sender, &slots.senders);
        from(Fact::Day, &catalog.names[&contact.language].days);
        from(Fact::Drive, &slots.drives);
        from(Fact::Share, &slots.shares);
        let mailbox = format!("{}@{}", dice.pick(&slots.mailboxes), customer.domain);
        facts.set(Fact::Mailbox, mailbox);
        facts.draw_numbers(24, dice);
        facts
    }

    fn people(&mut self, customer: &Customer, contact: &Contact, dice: &mut Dice) {
        let people = &customer.contacts;
        let mut other = || &people[(contact.index + 1 + dice.below(people.len() - 1)) % people.len()];
        let (colleague, manager, newcomer) = (other(), other(), other());
        self.set(Fact::First, contact.first.clone());
        self.set(Fact::User, contact.name());
        // A new surname, borrowed from someone else at the customer.
        self.set(Fact::Last, newcomer.last.clone());
        self.set(Fact::Colleague, colleague.name());
        self.set(Fact::ColleagueFirst, colleague.first.clone());
        self.set(Fact::Manager, manager.name());
        self.set(Fact::Phone, contact.phone.clone());
        self.set(Fact::Ext, contact.extension.to_string());
        self.set(Fact::Company, customer.name.clone());
        self.set(Fact::Domain, customer.domain.clone());
    }

    fn things(&mut self, customer: &Customer, contact: &Contact, dice: &mut Dice) {
        let host = dice.below(customer.hosts.len());
        self.set(Fact::Device, contact.device.clone());
        self.set(Fact::Host, customer.hosts[host].clone());
        self.set(Fact::Ip, format!("{}.{}", customer.network, 10 + host));
        self.set(Fact::Printer, dice.pick(&customer.printers).clone());
        self.set(Fact::Netdev, dice.pick(&customer.netdevs).clone());
        self.set(Fact::Job, dice.pick(&customer.jobs).clone());
        self.set(Fact::Site, dice.pick(&customer.sites).clone());
        self.set(Fact::App, customer.app.clone());
    }

    /// Draws the figures, and draws them anew where alerts have the asset in common but not the values.
    pub(crate) fn draw_numbers(&mut self, most: i64, dice: &mut Dice) {
        self.set(Fact::Amount, dice.between(2, most).to_string());
        self.set(Fact::Percent, dice.between(1, 98).to_string());
        self.set(Fact::Digit, dice.between(1, 9).to_string());
        self.set(Fact::Time, format!("{}:{:02}", dice.between(8, 17), dice.below(4) * 15));
    }
}
