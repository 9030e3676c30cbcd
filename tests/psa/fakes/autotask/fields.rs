//! What entities there are, the fields of each, and what may be done with them: the metadata that the API shows of itself.

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Whole,
    Decimal,
    Text,
    Time,
    Flag,
}

/// A field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) holds: Holds,
    pub(super) length: usize,
    pub(super) required: bool,
    pub(super) read_only: bool,
    pub(super) queryable: bool,
    pub(super) picklist: bool,
    pub(super) parent: &'static str,
    pub(super) refers: &'static str,
    pub(super) hook: bool,
}

impl Field {
    const fn new(name: &'static str, holds: Holds) -> Self {
        Self {
            name,
            holds,
            length: 0,
            required: false,
            read_only: false,
            queryable: true,
            picklist: false,
            parent: "",
            refers: "",
            hook: false,
        }
    }

    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    const fn fixed(self) -> Self {
        Self { read_only: true, ..self }
    }

    const fn picked(self) -> Self {
        Self { picklist: true, ..self }
    }

    const fn child_of(self, parent: &'static str) -> Self {
        Self { picklist: true, parent, ..self }
    }

    const fn refers(self, refers: &'static str) -> Self {
        Self { refers, ..self }
    }

    const fn unasked(self) -> Self {
        Self { queryable: false, ..self }
    }

    const fn hooked(self) -> Self {
        Self { hook: true, ..self }
    }

    /// The type as the metadata spells it.
    pub(super) fn data_type(&self) -> &'static str {
        match self.holds {
            Holds::Whole if self.name == "id" => "long",
            Holds::Whole => "integer",
            Holds::Decimal => "decimal",
            Holds::Text => "string",
            Holds::Time => "datetime",
            Holds::Flag => "boolean",
        }
    }
}

const fn whole(name: &'static str) -> Field {
    Field::new(name, Holds::Whole)
}

const fn decimal(name: &'static str) -> Field {
    Field::new(name, Holds::Decimal)
}

const fn text(name: &'static str, length: usize) -> Field {
    Field { length, ..Field::new(name, Holds::Text) }
}

const fn time(name: &'static str) -> Field {
    Field::new(name, Holds::Time)
}

const fn flag(name: &'static str) -> Field {
    Field::new(name, Holds::Flag)
}

/// What may be done with an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum May {
    /// Read only.
    Read,
    /// Created and edited.
    Write,
    /// And deleted.
    Delete,
}

/// An entity.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entity {
    /// As it stands in a path.
    pub(super) name: &'static str,
    /// As error texts name it.
    pub(super) single: &'static str,
    pub(super) may: May,
    pub(super) fields: &'static [Field],
}

impl Entity {
    /// A field, whatever the case of its name.
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// Whether the desk has no records of it, and its fields are not listed.
    pub(super) fn is_empty(&self) -> bool {
        self.fields.len() == 1
    }

    /// Whether its records carry fields of the tenant's own.
    pub(super) fn has_udf(&self) -> bool {
        matches!(self.name, "Tickets" | "Companies" | "Contacts")
    }
}

/// The entity of that name in a path, whatever its case.
pub(super) fn entity(name: &str) -> Option<Entity> {
    if let Some(found) = ENTITIES.iter().find(|entity| entity.name.eq_ignore_ascii_case(name)) {
        return Some(*found);
    }
    let name = EMPTY.iter().find(|known| known.eq_ignore_ascii_case(name))?;
    Some(Entity { name, single: name, may: May::Read, fields: &[ID] })
}

const ID: Field = whole("id").fixed();

/// Entities that the vendor has and this desk has no records of.
const EMPTY: [&str; 31] = [
    "BillingCodes",
    "BillingItems",
    "ClientPortalUsers",
    "CompanyAlerts",
    "CompanyLocations",
    "CompanyNotes",
    "ConfigurationItemCategories",
    "ConfigurationItems",
    "ContractExclusionSetExcludedRoles",
    "ContractExclusionSetExcludedWorkTypes",
    "ContractExclusionSets",
    "Contracts",
    "Departments",
    "Phases",
    "ProjectNotes",
    "Projects",
    "ResourceRoleDepartments",
    "ResourceRoles",
    "ServiceCallTaskResources",
    "ServiceCallTasks",
    "ServiceCallTicketResources",
    "ServiceCallTickets",
    "ServiceCalls",
    "ServiceLevelAgreementResults",
    "SurveyResults",
    "TaskNotes",
    "Tasks",
    "TicketAttachments",
    "TicketChecklistItems",
    "TicketSecondaryResources",
    "WebhookEventErrorLogs",
];

const ENTITIES: [Entity; 19] = [
    Entity { name: "Tickets", single: "Ticket", may: May::Write, fields: &TICKET },
    Entity { name: "TicketNotes", single: "TicketNote", may: May::Write, fields: &NOTE },
    Entity { name: "TimeEntries", single: "TimeEntry", may: May::Delete, fields: &TIME },
    Entity { name: "TicketHistory", single: "TicketHistory", may: May::Read, fields: &HISTORY },
    Entity { name: "Companies", single: "Company", may: May::Read, fields: &COMPANY },
    Entity { name: "Contacts", single: "Contact", may: May::Read, fields: &CONTACT },
    Entity { name: "Resources", single: "Resource", may: May::Read, fields: &RESOURCE },
    Entity { name: "Roles", single: "Role", may: May::Read, fields: &ROLE },
    Entity {
        name: "ResourceServiceDeskRoles",
        single: "ResourceServiceDeskRole",
        may: May::Read,
        fields: &DESK_ROLE,
    },
    Entity { name: "TicketCategories", single: "TicketCategory", may: May::Read, fields: &CATEGORY },
    Entity {
        name: "NotificationHistory",
        single: "NotificationHistory",
        may: May::Read,
        fields: &NOTIFICATION,
    },
    Entity { name: "HolidaySets", single: "HolidaySet", may: May::Read, fields: &HOLIDAY_SET },
    Entity { name: "Holidays", single: "Holiday", may: May::Read, fields: &HOLIDAY },
    Entity {
        name: "InternalLocationWithBusinessHours",
        single: "InternalLocationWithBusinessHours",
        may: May::Read,
        fields: &LOCATION,
    },
    Entity { name: "TicketWebhooks", single: "TicketWebhook", may: May::Delete, fields: &WEBHOOK },
    Entity { name: "TicketNoteWebhooks", single: "TicketNoteWebhook", may: May::Delete, fields: &WEBHOOK },
    Entity {
        name: "TicketWebhookFields",
        single: "TicketWebhookField",
        may: May::Delete,
        fields: &WEBHOOK_FIELD,
    },
    Entity {
        name: "TicketNoteWebhookFields",
        single: "TicketNoteWebhookField",
        may: May::Delete,
        fields: &WEBHOOK_FIELD,
    },
    Entity {
        name: "TicketWebhookExcludedResources",
        single: "TicketWebhookExcludedResource",
        may: May::Delete,
        fields: &WEBHOOK_RESOURCE,
    },
];

/// The fields of a ticket, in the order that they are shown in.
pub(super) const TICKET: [Field; 68] = [
    ID,
    whole("apiVendorID").fixed(),
    whole("assignedResourceID").refers("Resource").hooked(),
    whole("assignedResourceRoleID").refers("Role"),
    whole("billingCodeID").refers("BillingCode"),
    text("changeInfoField1", 8000),
    text("changeInfoField2", 8000),
    text("changeInfoField3", 8000),
    text("changeInfoField4", 8000),
    text("changeInfoField5", 8000),
    whole("companyID").required().refers("Company").hooked(),
    whole("companyLocationID").refers("CompanyLocation"),
    whole("completedByResourceID").fixed().refers("Resource"),
    time("completedDate").fixed().hooked(),
    whole("configurationItemID").refers("ConfigurationItem"),
    whole("contactID").refers("Contact").hooked(),
    whole("contractID").refers("Contract"),
    time("createDate").fixed().hooked(),
    whole("createdByContactID").fixed().refers("Contact"),
    whole("creatorResourceID").fixed().refers("Resource"),
    whole("creatorType").fixed().picked().unasked(),
    whole("currentServiceThermometerRating").fixed(),
    text("description", 8000).hooked(),
    time("dueDateTime").hooked(),
    decimal("estimatedHours"),
    text("externalID", 50),
    whole("firstResponseAssignedResourceID").fixed().refers("Resource"),
    time("firstResponseDateTime").fixed().hooked(),
    time("firstResponseDueDateTime").fixed(),
    whole("firstResponseInitiatingResourceID").fixed().refers("Resource"),
    decimal("hoursToBeScheduled").fixed(),
    whole("impersonatorCreatorResourceID").fixed().refers("Resource"),
    whole("issueType").picked().hooked(),
    time("lastActivityDate").fixed().hooked(),
    whole("lastActivityPersonType").fixed().picked().unasked(),
    whole("lastActivityResourceID").fixed().refers("Resource"),
    time("lastCustomerNotificationDateTime").fixed(),
    time("lastCustomerVisibleActivityDateTime").fixed(),
    time("lastTrackedModificationDateTime").fixed(),
    whole("monitorID"),
    whole("monitorTypeID"),
    whole("opportunityID").refers("Opportunity"),
    whole("organizationalLevelAssociationID").refers("OrganizationalLevelAssociation"),
    whole("priority").required().picked().hooked(),
    whole("problemTicketId").refers("Ticket"),
    whole("projectID").refers("Project"),
    text("purchaseOrderNumber", 50),
    whole("queueID").picked().hooked(),
    text("resolution", 32_000).hooked(),
    time("resolutionPlanDateTime").fixed(),
    time("resolutionPlanDueDateTime").fixed(),
    time("resolvedDateTime").fixed().hooked(),
    time("resolvedDueDateTime").fixed(),
    text("rmaStatus", 50).fixed(),
    flag("serviceLevelAgreementHasBeenMet").fixed(),
    whole("serviceLevelAgreementID").picked(),
    decimal("serviceLevelAgreementPausedNextEventHours").fixed(),
    whole("source").picked().hooked(),
    whole("status").required().picked().hooked(),
    whole("subIssueType").child_of("issueType").hooked(),
    whole("ticketCategory").picked().hooked(),
    text("ticketNumber", 50).fixed().hooked(),
    whole("ticketType").picked().hooked(),
    text("title", 255).required().hooked(),
    whole("changeApprovalBoard"),
    whole("changeApprovalStatus"),
    whole("changeApprovalType"),
    flag("isVisibleToComanaged"),
];

const NOTE: [Field; 13] = [
    ID,
    whole("ticketID").required().fixed().refers("Ticket").hooked(),
    text("title", 250).hooked(),
    text("description", 3200).required().hooked(),
    whole("noteType").required().picked().hooked(),
    whole("publish").required().picked().hooked(),
    time("createDateTime").fixed().hooked(),
    time("lastActivityDate").fixed().hooked(),
    whole("creatorResourceID").fixed().refers("Resource").hooked(),
    whole("createdByContactID").refers("Contact").hooked(),
    whole("impersonatorCreatorResourceID").fixed().refers("Resource"),
    whole("impersonatorUpdaterResourceID").fixed().refers("Resource"),
    whole("organizationalLevelAssociationID").fixed(),
];

const TIME: [Field; 23] = [
    ID,
    whole("ticketID").refers("Ticket"),
    whole("taskID").refers("Task"),
    whole("resourceID").required().refers("Resource"),
    whole("roleID").required().refers("Role"),
    time("dateWorked"),
    time("startDateTime"),
    time("endDateTime"),
    decimal("hoursWorked"),
    decimal("hoursToBill").fixed(),
    decimal("offsetHours"),
    text("summaryNotes", 8000),
    text("internalNotes", 8000),
    flag("isNonBillable"),
    flag("showOnInvoice"),
    whole("timeEntryType").fixed().picked(),
    whole("billingCodeID").refers("BillingCode"),
    whole("contractID").refers("Contract"),
    time("createDateTime").fixed(),
    time("lastModifiedDateTime").fixed(),
    whole("creatorUserID").fixed().refers("Resource"),
    whole("lastModifiedUserID").fixed().refers("Resource"),
    whole("impersonatorCreatorResourceID").fixed().refers("Resource"),
];

const HISTORY: [Field; 6] = [
    ID,
    whole("ticketID").refers("Ticket"),
    text("action", 100).unasked(),
    time("date").unasked(),
    text("detail", 8000).unasked(),
    whole("resourceID").unasked(),
];

const COMPANY: [Field; 10] = [
    ID,
    text("companyName", 100).required(),
    text("companyNumber", 50),
    whole("companyType").required().picked(),
    flag("isActive"),
    text("phone", 25),
    whole("ownerResourceID").refers("Resource"),
    whole("parentCompanyID").refers("Company"),
    time("createDate").fixed(),
    time("lastActivityDate").fixed(),
];

const CONTACT: [Field; 10] = [
    ID,
    whole("companyID").required().refers("Company"),
    text("firstName", 50).required(),
    text("lastName", 50).required(),
    text("emailAddress", 254),
    text("phone", 25),
    whole("isActive").required(),
    whole("companyLocationID").refers("CompanyLocation"),
    time("createDate").fixed(),
    time("lastActivityDate").fixed(),
];

const RESOURCE: [Field; 9] = [
    ID,
    text("userName", 32),
    text("email", 254),
    text("firstName", 50),
    text("lastName", 50),
    flag("isActive"),
    whole("licenseType").picked(),
    text("title", 50),
    whole("defaultServiceDeskRoleID").refers("Role"),
];

const ROLE: [Field; 7] = [
    ID,
    text("name", 200),
    text("description", 200),
    flag("isActive"),
    flag("isSystemRole"),
    decimal("hourlyRate"),
    decimal("hourlyFactor"),
];

const DESK_ROLE: [Field; 5] = [
    ID,
    whole("resourceID").refers("Resource"),
    whole("roleID").refers("Role"),
    flag("isActive"),
    flag("isDefault"),
];

const CATEGORY: [Field; 5] =
    [ID, text("name", 30), flag("isActive"), flag("isGlobalDefault"), whole("displayColorRGB").picked()];

const NOTIFICATION: [Field; 12] = [
    ID,
    whole("ticketID").refers("Ticket"),
    whole("companyID").refers("Company"),
    whole("initiatingContactID").refers("Contact"),
    whole("initiatingResourceID").refers("Resource"),
    text("entityNumber", 50),
    text("entityTitle", 255),
    text("recipientDisplayName", 200),
    text("recipientEmailAddress", 2000),
    text("templateName", 100),
    time("notificationSentTime"),
    whole("notificationHistoryTypeID"),
];

const HOLIDAY_SET: [Field; 3] = [ID, text("holidaySetName", 50), text("holidaySetDescription", 200)];

const HOLIDAY: [Field; 4] =
    [ID, whole("holidaySetID").refers("HolidaySet"), text("holidayName", 50), time("holidayDate")];

const LOCATION: [Field; 8] = [
    ID,
    text("name", 100),
    whole("timeZoneID"),
    whole("holidaySetId").refers("HolidaySet"),
    text("mondayBusinessHoursStartTime", 8),
    text("mondayBusinessHoursEndTime", 8),
    text("fridayBusinessHoursStartTime", 8),
    text("fridayBusinessHoursEndTime", 8),
];

const WEBHOOK: [Field; 12] = [
    ID,
    text("name", 50).required(),
    text("webhookUrl", 500).required(),
    text("deactivationUrl", 500).required(),
    text("secretKey", 64).required(),
    flag("isActive").required(),
    flag("isReady").fixed(),
    flag("isSubscribedToCreateEvents").required(),
    flag("isSubscribedToUpdateEvents").required(),
    flag("isSubscribedToDeleteEvents").required(),
    flag("sendThresholdExceededNotification").required(),
    text("notificationEmailAddress", 128),
];

const WEBHOOK_FIELD: [Field; 5] = [
    ID,
    whole("webhookID").fixed(),
    whole("fieldID").required().picked(),
    flag("isSubscribedField").required(),
    flag("isDisplayAlwaysField").required(),
];

const WEBHOOK_RESOURCE: [Field; 3] = [ID, whole("webhookID").fixed(), whole("resourceID").required()];
