// A client of the management API over generated types: lists, deploys, talks, and watches.
import {readFileSync} from "node:fs";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {parseArgs} from "node:util";
import * as grpc from "@grpc/grpc-js";
import * as loader from "@grpc/proto-loader";
import type {CaxtonManagementClient} from "../generated/caxton/v1/CaxtonManagement.js";
import type {DeployAgentResponse__Output as DeployAgentResponse} from "../generated/caxton/v1/DeployAgentResponse.js";
import type {ListAgentsResponse__Output as ListAgentsResponse} from "../generated/caxton/v1/ListAgentsResponse.js";
import type {SendMessageResponse__Output as SendMessageResponse} from "../generated/caxton/v1/SendMessageResponse.js";
import type {MessageEvent} from "../generated/caxton/v1/MessageEvent.js";
import type {ProtoGrpcType} from "../generated/management.js";

const DEADLINE_MS = 10_000;
const MESSAGES = 3;

const here = dirname(fileURLToPath(import.meta.url));
const root = here.slice(0, here.lastIndexOf("sdk"));
const folders = [join(root, "proto"), join(root, "sdk/clients/typescript/node_modules/protobufjs")];
const options: loader.Options = {
  longs: Number, enums: String, defaults: true, keepCase: true, oneofs: true, includeDirs: folders,
};

function load(file: string): unknown {
  return grpc.loadPackageDefinition(loader.loadSync(file, options));
}

// Open a client; connecting happens on the first call, and the token goes over TLS only.
function connect(endpoint: string, caPem: Buffer, token: string): CaxtonManagementClient {
  const shown = grpc.credentials.createFromMetadataGenerator((_params, callback) => {
    const metadata = new grpc.Metadata();
    metadata.set("authorization", `Bearer ${token}`);
    callback(null, metadata);
  });
  const tls = grpc.credentials.createSsl(caPem);
  const {caxton} = load("caxton/v1/management.proto") as ProtoGrpcType;
  return new caxton.v1.CaxtonManagement(endpoint, grpc.credentials.combineChannelCredentials(tls, shown));
}

type Done<R> = (error: grpc.ServiceError | null, answer?: R) => void;

// Make a call; each has a deadline.
function ask<R>(start: (deadline: grpc.CallOptions, done: Done<R>) => grpc.ClientUnaryCall): Promise<R> {
  return new Promise((resolve, reject) => {
    start({deadline: Date.now() + DEADLINE_MS}, (error, answer) =>
      error || !answer ? reject(error) : resolve(answer));
  });
}

// Say of an error what the node says of it: code, what happened, what to do next.
function explain(error: grpc.ServiceError): string {
  const [packed] = error.metadata.get("grpc-status-details-bin");
  if (packed === undefined) return `${grpc.status[error.code]}: ${error.details}`;
  const definitions = loader.loadSync("caxton/v1/errors.proto", options);
  const status = loader.fromJSON(STATUS, options)["Status"] as loader.MessageTypeDefinition<object, Status>;
  const detail = definitions["caxton.v1.ErrorDetail"] as loader.MessageTypeDefinition<object, Detail>;
  for (const part of status.deserialize(packed as Buffer).details) {
    if (part.type_url.endsWith("/caxton.v1.ErrorDetail")) {
      const found = detail.deserialize(part.value);
      return `${found.code}: ${found.message} (${found.hint})`;
    }
  }
  return error.details;
}

interface Status {details: {type_url: string; value: Buffer}[]}
interface Detail {code: string; message: string; hint: string}

// google.rpc.Status, as far as it is needed here.
const STATUS = {
  nested: {
    Part: {fields: {type_url: {type: "string", id: 1}, value: {type: "bytes", id: 2}}},
    Status: {fields: {code: {type: "int32", id: 1}, message: {type: "string", id: 2},
      details: {rule: "repeated", type: "Part", id: 3}}},
  },
};

async function talk(node: CaxtonManagementClient, name: string): Promise<void> {
  const events = node.SubscribeMessages({agents: [name]});
  const seen: string[] = [];
  const enough = new Promise<void>((resolve, reject) => {
    events.on("data", (event: MessageEvent) => {
      seen.push(event.message?.performative ?? "");
      if (seen.length === MESSAGES) resolve();
    });
    events.on("error", (error: grpc.ServiceError) => error.code === grpc.status.CANCELLED || reject(error));
  });
  await new Promise((resolve) => events.once("metadata", resolve)); // from here on nothing is missed
  for (let number = 0; number < MESSAGES; number++) {
    const request = {to: name, content: Buffer.from(`${number}`)};
    const answer = await ask<SendMessageResponse>((within, done) => node.SendMessage(request, within, done));
    console.log(`reply: ${answer.reply?.content}`);
  }
  await enough;
  events.cancel();
  for (const performative of seen.slice(0, MESSAGES)) console.log(`event: ${performative}`);
}

async function run(node: CaxtonManagementClient, name: string, module: Buffer): Promise<void> {
  const listed = await ask<ListAgentsResponse>((within, done) => node.ListAgents({}, within, done));
  console.log(`agents: ${listed.agents.length}`);
  const deployed = await ask<DeployAgentResponse>((within, done) =>
    node.DeployAgent({name, module}, within, done));
  console.log(`deployed: ${deployed.agent?.name} ${deployed.agent?.state}`);
  await talk(node, name);
  await ask((within, done) => node.GetAgent({name: "nobody"}, within, done)).catch(
    (error: grpc.ServiceError) => console.log(`error: ${explain(error)}`));
  await ask((within, done) => node.UndeployAgent({name, force: true}, within, done));
  console.log("undeployed");
}

const text = {type: "string"} as const;
const {values} = parseArgs({
  options: {endpoint: text, ca: text, token: text, module: text, name: text},
});
const node = connect(values.endpoint ?? "", readFileSync(values.ca ?? ""), values.token ?? "");
try {
  await run(node, values.name ?? "example-typescript", readFileSync(values.module ?? ""));
} finally {
  node.close();
}
