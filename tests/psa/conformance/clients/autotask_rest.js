// @apigrate/autotask-restapi (Apache-2.0): it follows the vendor's addresses, and asks for its zone first.

const { AutotaskRestApi } = require("@apigrate/autotask-restapi");
const { assert, call, close, refused, url, written } = require("../check.js");

const TICKETS = 60;
const ALL = { filter: [{ op: "exist", field: "id" }] };

function connect(secret) {
  return new AutotaskRestApi("firstline-api@desk.example", secret, "FAKEFAKEFAKEFAKEFAKEFAKEFAK", { base_url: `${url}/ATServicesRest/` });
}

async function main() {
  const at = connect("a-secret-of-the-fake");

  const tickets = await call("Tickets/query", async () => {
    const found = await at.Tickets.query(ALL);
    assert.equal(found.items.length, TICKETS);
    assert.equal(found.items[0].title, "The vpn at seat 0 fails");
    assert.equal(found.pageDetails.nextPageUrl, null);
    return found.items;
  });
  const { id } = tickets[0];
  await call("zoneInformation", () => {
    // The client goes on at this address, by number rather than by name.
    assert.equal(new URL(at.zoneInfo.url).port, new URL(url).port);
    assert.ok(at.zoneInfo.webUrl);
  });
  await call("Tickets/query: pages", async () => {
    const first = await at.Tickets.query({ ...ALL, MaxRecords: 25 });
    assert.equal(first.items.length, 25);
    const ids = first.items.map((ticket) => ticket.id);
    // The client leaves the next page to its caller, who asks for ids above the last.
    for (let last = ids.at(-1); ; ) {
      const { items } = await at.Tickets.query({ filter: [{ op: "gt", field: "id", value: last }], MaxRecords: 25 });
      if (!items.length) break;
      ids.push(...items.map((ticket) => ticket.id));
      last = ids.at(-1);
    }
    assert.deepEqual(ids, tickets.map((ticket) => ticket.id));
  });
  await call("Tickets/query: and, or", async () => {
    const filter = [{ op: "or", items: [{ op: "eq", field: "id", value: id }, { op: "contains", field: "title", value: "printer" }] }, { op: "eq", field: "status", value: 1 }];
    assert.deepEqual((await at.Tickets.query({ filter })).items.map((ticket) => ticket.title), ["The vpn at seat 0 fails", "The printer at seat 2 fails"]);
  });
  await call("Tickets/query: watermark", async () => {
    const since = (moment) => ({ filter: [{ op: "gte", field: "lastActivityDate", value: new Date(moment).toISOString() }] });
    assert.equal((await at.Tickets.query(since(Date.now() - 3600e3))).items.length, TICKETS);
    assert.equal((await at.Tickets.query(since(Date.now() + 3600e3))).items.length, 0);
  });
  await call("Tickets/query: no filter is refused", async () => (await refused(() => at.Tickets.query({}))).status === 400);
  await call("Tickets/query/count", async () => (await at.Tickets.count(ALL)).queryCount === TICKETS);
  await call("Tickets/{id}", async () => (await at.Tickets.get(id)).item.description === "Seat 0, since this morning.");
  await call("Tickets/{id}: absent", async () => (await at.Tickets.get(1)).item === null);
  await call("PATCH Tickets", async () => {
    const made = await written(id, 1, () => at.Tickets.update({ id, status: 8, queueID: 8 }));
    assert.equal(made.itemId, id);
    const { item } = await at.Tickets.get(id);
    assert.deepEqual([item.status, item.queueID, item.title, item.contactID], [8, 8, "The vpn at seat 0 fails", 29683586]);
  });
  await call("PUT Tickets", async () => {
    const { item } = await at.Tickets.get(id);
    const made = await written(id, 1, () => at.Tickets.replace({ ...item, priority: 1 }));
    assert.equal(made.itemId, id);
    const after = (await at.Tickets.get(id)).item;
    assert.deepEqual([after.priority, after.status, after.contactID], [1, 8, 29683586]);
  });
  await call("PATCH Tickets: a status that isn't is refused", async () => {
    const error = await written(id, 0, () => refused(() => at.Tickets.update({ id, status: 99 })));
    assert.equal(error.status, 500);
    assert.equal(error.details.errors.length, 1);
  });
  await call("POST Tickets", async () => {
    const made = await at.Tickets.create({ title: "A desk lamp flickers", companyID: 174, status: 1, priority: 3, queueID: 29682833 });
    assert.equal((await at.Tickets.get(made.itemId)).item.title, "A desk lamp flickers");
    assert.equal((await at.Tickets.count(ALL)).queryCount, TICKETS + 1);
  });
  await call("DELETE Tickets is refused", async () => (await refused(() => at.Tickets.delete(id))).status === 405);

  const note = await call("POST Tickets/{id}/Notes: internal, mails nobody", async () => {
    const fields = { title: "Firstline", description: "Look at the gateway.", noteType: 3, publish: 2 };
    const made = await written(id, 1, () => at.TicketNotes.create(id, fields), { notes: 1 });
    assert.ok(made.itemId > 0);
    return made.itemId;
  });
  await call("POST Tickets/{id}/Notes: as a technician", async () => {
    const fields = { title: "Firstline", description: "Seen.", noteType: 3, publish: 2 };
    const made = await written(id, 1, () => at.TicketNotes.create(id, fields, { ImpersonationResourceId: 29682885 }), { notes: 1 });
    assert.equal((await at.TicketNotes.get(made.itemId)).item.creatorResourceID, 29682885);
  });
  await call("TicketNotes/query", async () => {
    const { items } = await at.TicketNotes.query({ filter: [{ op: "eq", field: "ticketID", value: id }] });
    assert.equal(items.filter((row) => row.description === "Look at the gateway." && row.publish === 2 && row.id === note).length, 1);
  });
  await call("PATCH Tickets/{id}/Notes", async () => {
    await at.TicketNotes.update(id, { id: note, description: "Look at the gateway again." });
    assert.equal((await at.TicketNotes.get(note)).item.description, "Look at the gateway again.");
  });
  await call("DELETE Tickets/{id}/Notes is refused", async () => (await refused(() => at.TicketNotes.delete(id, note))).status === 405);
  const time = { ticketID: id, resourceID: 29682885, roleID: 8, dateWorked: new Date().toISOString().slice(0, 10), hoursWorked: 0.5, summaryNotes: "Tried it" };
  await call("POST TimeEntries", async () => (await at.TimeEntries.create(time)).itemId > 0);
  await call("TimeEntries/query", async () => {
    const { items } = await at.TimeEntries.query({ filter: [{ op: "eq", field: "ticketID", value: id }] });
    assert.deepEqual(items.map((row) => [row.hoursWorked, row.summaryNotes]), [[0.5, "Tried it"]]);
  });
  const history = { filter: [{ op: "eq", field: "ticketID", value: id }] };
  await call("TicketHistory/query", async () => {
    const { items } = await at.TicketHistory.query(history);
    assert.ok(items.length > 1 && items.every((row) => row.ticketID === id && row.action && row.date));
    assert.equal((await at.TicketHistory.count(history)).queryCount, items.length);
  });
  await call("TicketHistory/query: a second filter is refused", async () => {
    const filter = [...history.filter, { op: "gt", field: "id", value: 0 }];
    assert.ok((await refused(() => at.TicketHistory.query({ filter }))).status >= 400);
  });
  await call("entityInformation/fields", async () => {
    const { fields } = await at.Tickets.fieldInfo();
    const status = fields.find((field) => field.name === "status");
    assert.ok(status.isPickList && status.picklistValues.some((value) => value.label === "Complete" && value.value === "5"));
  });
  await call("entityInformation", async () => (await at.Tickets.info()).info.canUpdate === true);
  await call("userDefinedFields", async () => (await at.Tickets.udfInfo()).fields.length === 1);
  await call("ThresholdInformation", async () => (await at._get("/ThresholdInformation")).externalRequestThreshold === 10000);
  await call("Resources/query", async () => (await at.Resources.query(ALL)).items.some((row) => row.id === 29682885 && row.isActive));
  await call("Companies/query", async () => (await at.Companies.query(ALL)).items.some((row) => row.companyName === "Lumen Print Works"));
  await call("Contacts/query", async () => (await at.Contacts.query(ALL)).items.length === 6);
  await call("TicketWebhooks", async () => {
    const hook = { name: "ours", webhookUrl: "https://hooks.example/at", deactivationUrl: "https://hooks.example/off", secretKey: "s", isActive: true, isSubscribedToCreateEvents: true, isSubscribedToUpdateEvents: true, isSubscribedToDeleteEvents: false, sendThresholdExceededNotification: false };
    const made = await at._post("/TicketWebhooks", hook);
    const { items } = await at._post("/TicketWebhooks/query", ALL);
    assert.deepEqual(items.map((row) => [row.id, row.webhookUrl]), [[made.itemId, hook.webhookUrl]]);
  });
  await call("wrong secret is refused", async () => (await refused(() => connect("another").Tickets.get(id))).status === 401);
}

main().catch((error) => call("(end)", () => { throw error; })).finally(close);
