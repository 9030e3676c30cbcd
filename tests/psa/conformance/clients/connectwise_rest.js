// connectwise-rest (MIT): generated from the API's description; over https only.

const { ManageAPI } = require("connectwise-rest");
const { assert, call, close, refused, url, written } = require("../check.js");

const TICKETS = 60;

async function main() {
  const api = new ManageAPI({
    companyId: "acme",
    companyUrl: url.replace("https://", ""),
    publicKey: "PublicKeyOfAFake",
    privateKey: "PrivateKeyOfAFake",
    clientId: "00000000-0000-4000-8000-00000000c1d0",
    logger: () => {},
  });
  const { ServiceAPI: service, SystemAPI: system, TimeAPI: time, CompanyAPI: company } = api;

  const tickets = await call("tickets: conditions", async () => {
    const found = await service.getServiceTickets({ conditions: "closedFlag=False", pageSize: 1000 });
    assert.equal(found.length, TICKETS);
    assert.equal(found[0].summary, "The vpn at seat 0 fails");
    return found;
  });
  const id = tickets[0].id;
  await call("tickets: pages", async () => {
    const found = await api.paginate(service.getServiceTickets, { pageSize: 25 }, { orderBy: "id asc" });
    assert.deepEqual(found.map((ticket) => ticket.id), tickets.map((ticket) => ticket.id).sort((a, b) => a - b));
  });
  await call("ticket by id", async () => (await service.getServiceTicketsById(id)).summary === "The vpn at seat 0 fails");
  await call("ticket by id: absent", async () => (await refused(() => service.getServiceTicketsById(999999))).status === 404);
  await call("tickets/count", async () => (await service.getServiceTicketsCount()).count === TICKETS);
  await call("tickets/search", async () => {
    const found = await service.postServiceTicketsSearch({ conditions: `id = ${id}` });
    assert.deepEqual(found.map((ticket) => ticket.id), [id]);
  });
  await call("notes", async () => {
    const notes = await service.getServiceTicketsByParentIdNotes(id);
    assert.ok(notes.some((note) => note.detailDescriptionFlag && note.text === "Seat 0, since this morning."));
  });
  await call("allNotes", async () => {
    const notes = await service.getServiceTicketsByParentIdAllNotes(id);
    assert.ok(notes.some((note) => note.noteType === "TicketNote" && note.text.startsWith("Seat 0")));
  });
  await call("POST note: internal, mails nobody", async () => {
    const note = { text: "Look at the gateway.", internalAnalysisFlag: true, detailDescriptionFlag: false, resolutionFlag: false, processNotifications: false };
    const made = await written(id, 1, () => service.postServiceTicketsByParentIdNotes(id, note), { notes: 1 });
    assert.equal(made.internalAnalysisFlag, true);
    const found = await service.getServiceTicketsByParentIdNotes(id);
    assert.equal(found.filter((note) => note.text === "Look at the gateway.").length, 1);
  });
  await call("POST note: no flag is refused", async () => {
    const error = await written(id, 0, () => refused(() => service.postServiceTicketsByParentIdNotes(id, { text: "Nowhere" })));
    assert.equal(error.status, 400);
    assert.equal(error.data.code, "InvalidObject");
  });
  await call("PATCH ticket", async () => {
    const patch = [{ op: "replace", path: "summary", value: "The tunnel fails" }];
    const made = await written(id, 1, () => service.patchServiceTicketsById(id, patch));
    assert.equal(made.summary, "The tunnel fails");
    assert.equal((await service.getServiceTicketsById(id)).summary, "The tunnel fails");
  });
  await call("PATCH ticket: a slash before the path", async () => {
    const patch = [{ op: "replace", path: "/summary", value: "The tunnel fails again" }];
    const made = await written(id, 1, () => service.patchServiceTicketsById(id, patch));
    assert.equal(made.summary, "The tunnel fails again");
  });
  const boards = await call("boards", () => service.getServiceBoards());
  const board = boards[0].id;
  await call("POST ticket", async () => {
    const ticket = { summary: "A desk lamp flickers", board: { id: board }, company: { id: tickets[0].company.id } };
    assert.equal((await service.postServiceTickets(ticket)).summary, ticket.summary);
    assert.equal((await service.getServiceTicketsCount()).count, TICKETS + 1);
  });
  await call("statuses", async () => {
    const found = await service.getServiceBoardsByParentIdStatuses(board);
    assert.ok(found.some((status) => status.closedStatus) && found.every((status) => status.board.id === board));
  });
  await call("types", async () => (await service.getServiceBoardsByParentIdTypes(board)).every((kind) => kind.board.id === board));
  await call("subtypes", async () => (await service.getServiceBoardsByParentIdSubtypes(board)).every((kind) => kind.typeAssociationIds.length));
  await call("items", async () => (await service.getServiceBoardsByParentIdItems(board)).length === 1);
  await call("associations", async () => (await service.getServiceBoardsByParentIdTypeSubTypeItemAssociations(board)).every((row) => row.type.id));
  await call("teams", async () => (await service.getServiceBoardsByParentIdTeams(board)).every((team) => team.members.length));
  await call("autoAssignResources", async () => (await service.getServiceBoardsByParentIdAutoAssignResources(board)).length === 1);
  await call("autoTemplates", async () => (await service.getServiceBoardsByParentIdAutoTemplates(board)).length === 0);
  await call("priorities", async () => (await service.getServicePriorities()).length === 4);
  await call("templates", async () => (await service.getServiceTemplates())[0].name === "New starter");
  await call("members", async () => (await system.getSystemMembers()).some((member) => member.identifier === "FirstlineAPI"));
  await call("companies", async () => (await company.getCompanyCompanies()).length >= 3);
  await call("contacts", async () => (await company.getCompanyContacts()).length === 6);
  await call("time entries", async () => {
    const entry = { chargeToId: id, chargeToType: "ServiceTicket", actualHours: 0.25, timeStart: "2026-03-02T09:00:00Z", notes: "Tried it", addToInternalAnalysisFlag: true };
    await time.postTimeEntries(entry);
    const found = await time.getTimeEntries({ conditions: `chargeToType='ServiceTicket' and chargeToId in (${id})` });
    assert.deepEqual(found.map((row) => row.actualHours), [0.25]);
  });
  await call("audittrail", async () => {
    const found = await system.getSystemAudittrail({ type: "Ticket", id });
    assert.ok(found.some((entry) => entry.auditSubType === "Summary" && entry.text.includes("tunnel") && entry.enteredBy === "FirstlineAPI"));
  });
  const flows = await call("workflows", () => system.getSystemWorkflows());
  const events = await call("workflow events", () => system.getSystemWorkflowsByParentIdEvents(flows[0].id));
  await call("workflow actions", async () => {
    const found = await system.getSystemWorkflowsByGrandparentIdEventsByParentIdActions(events[0].id, flows[0].id);
    assert.equal(found[0].board.name, "Network");
  });
  await call("workflow triggers", async () => (await system.getSystemWorkflowsByParentIdTriggers(flows[0].id)).length === 1);
  await call("parsingRules", async () => {
    const styles = await system.getSystemEmailConnectorsByParentIdParsingStyles(1);
    const rules = await system.getSystemEmailConnectorsByGrandparentIdParsingStylesByParentIdParsingRules(styles[0].id, 1);
    assert.deepEqual(rules.map((rule) => rule.searchTerm), ["[ALERT]"]);
  });
  await call("callbacks", async () => {
    const hook = { url: "https://hooks.example/cw?id=", type: "ticket", level: "owner", objectId: 1 };
    const made = await system.postSystemCallbacks(hook);
    const found = await system.getSystemCallbacks();
    assert.deepEqual(found.map((row) => [row.id, row.url]), [[made.id, hook.url]]);
    await system.deleteSystemCallbacksById(made.id);
    assert.deepEqual(await system.getSystemCallbacks(), []);
  });
  await call("wrong secret is refused", async () => {
    const other = new ManageAPI({ ...api.config, privateKey: "another", logger: () => {} });
    assert.equal((await refused(() => other.ServiceAPI.getServiceTickets({}))).status, 401);
  });
}

main().catch((error) => call("(end)", () => { throw error; })).finally(close);
