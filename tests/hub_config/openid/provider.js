// An OpenID provider on loopback for the tests: node provider.js <settings as JSON>
//
// settings: port (0: any), client_id, client_secret, redirect_uri, people: {login name: claims}.
// It prints its issuer, then every answer with tokens; asks who somebody is, without a password;
// ends with its stdin.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const settings = JSON.parse(process.argv[2]);
const CLAIMS = ["schac_home_organization", "country", "eduperson_scoped_affiliation", "eppn", "email", "name"];

function configuration(provider) {
  return {
    clients: [{
      client_id: settings.client_id,
      client_secret: settings.client_secret,
      redirect_uris: [settings.redirect_uri],
      token_endpoint_auth_method: "client_secret_post",
    }],
    scopes: ["openid", "institution"],
    claims: { openid: ["sub"], institution: CLAIMS },
    // As federations do: the hub must bring PKCE, and claims come from the userinfo endpoint.
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/people/${interaction.uid}` },
    cookies: { keys: ["only for tests"] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ ...settings.people[id], sub: id }) }),
    async loadExistingGrant(ctx) {
      const grant = new (provider().Grant)({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope("openid institution");
      await grant.save();
      return grant;
    },
  };
}

async function whoAreYou(provider, request, response) {
  const { params, prompt } = await provider.interactionDetails(request, response);
  if (request.method === "GET") {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(`<!DOCTYPE html><title>Provider</title><form method="post">
      <p id="language">${(params.ui_locales ?? "").replace(/[^a-z ]/g, "")} ${prompt.name}</p>
      <input name="who" autofocus><button>Log in</button><button name="cancel" value="1">Cancel</button>
      </form>`);
    return;
  }
  let body = "";
  for await (const part of request) body += part;
  const form = new URLSearchParams(body);
  const result = form.has("cancel")
    ? { error: "access_denied", error_description: "the person cancelled" }
    : { login: { accountId: form.get("who"), remember: false } };
  await provider.interactionFinished(request, response, result);
}

const server = createServer();
server.listen(settings.port, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration(() => provider));
  const answer = provider.callback();
  provider.on("grant.success", (ctx) => console.log(JSON.stringify(ctx.body)));
  server.on("request", (request, response) => {
    if (!request.url.startsWith("/people/")) return answer(request, response);
    whoAreYou(provider, request, response).catch((error) => {
      response.statusCode = 400;
      response.end(String(error));
    });
  });
  console.log(issuer);
});
process.stdin.resume().on("end", () => process.exit());
