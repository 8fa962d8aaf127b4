-- /etc/haproxy/chancery.lua: asks the gate of this host whether a request may pass. Tried
-- with HAProxy 2.6 of Debian 12. In the configuration:
--
--   global
--       setenv CHANCERY_GATE /run/chancery-gate/gate.sock
--       lua-load /etc/haproxy/chancery.lua
--   frontend api
--       http-request lua.chancery_check files if { path_beg /files/ }
--
-- A good token: X-Token-Subject, -Realm, -Scope and -Client are set for the backend, the
-- token and the proof are taken out. Anything else ends the request here: what the gate did
-- not say 200 to is never passed on.

local socket = os.getenv("CHANCERY_GATE")
assert(socket, "chancery.lua: name the gate's socket before it: setenv CHANCERY_GATE PATH")

local TIMEOUT_MS = 2000
local CLAIMS = { "x-token-subject", "x-token-realm", "x-token-scope", "x-token-client" }
local OURS = {
    ["x-original-method"] = true, ["x-original-uri"] = true,
    ["x-client-address"] = true, ["x-client-cert"] = true,
}

-- Frameworks take method and path from these in place of the request line: the gate was
-- asked about the line.
local OVERRIDES = {
    ["x-http-method-override"] = true, ["x-http-method"] = true, ["x-method-override"] = true,
    ["x-original-url"] = true, ["x-rewrite-url"] = true,
}

-- All values of a field, so that the gate sees when there are two.
local function values(fields, name)
    local list = {}
    for i = 0, #(fields[name] or {}) do
        if fields[name] then list[#list + 1] = fields[name][i] end
    end
    return #list > 0 and list or nil
end

-- The client's certificate, if HAProxy has verified one.
local function certificate(txn)
    if txn.sf:ssl_fc() ~= "1" or txn.sf:ssl_c_used() ~= "1" or txn.sf:ssl_c_verify() ~= "0" then
        return nil
    end
    local der = txn.f:ssl_c_der()
    if not der then return nil end
    return { "-----BEGIN CERTIFICATE-----" .. txn.c:base64(der) .. "-----END CERTIFICATE-----" }
end

local function ask(txn, place)
    local fields = txn.http:req_get_headers()
    local headers = {
        ["host"] = { "chancery-gate" },
        ["authorization"] = values(fields, "authorization"),
        ["dpop"] = values(fields, "dpop"),
        ["x-original-method"] = { txn.sf:method() },
        ["x-original-uri"] = { txn.sf:path() },
        ["x-client-address"] = { txn.sf:src() },
        ["x-client-cert"] = certificate(txn),
    }
    return core.httpclient():get {
        url = "http://chancery-gate/check/" .. place,
        dst = "unix@" .. socket,
        headers = headers,
        timeout = TIMEOUT_MS,
    }
end

local function first(response, name)
    local list = response.headers and response.headers[name]
    return list and list[0]
end

-- Ends the request with the gate's refusal, or with 503 when there is no answer.
local function refuse(txn, response)
    local status = response and response.status
    local reply = txn:reply { status = (status == 401 or status == 403) and status or 503 }
    for _, name in ipairs { "www-authenticate", "dpop-nonce" } do
        local value = response and first(response, name)
        if value then reply:add_header(name, value) end
    end
    reply:add_header("content-length", "0")
    txn:done(reply)
end

-- A client's own X-Token-… and what only a web server may say, however they are spelled: many
-- backends read '_' as '-', some '.' and others too.
local function remove_claims(txn)
    for name in pairs(txn.http:req_get_headers()) do
        local plain = string.gsub(string.lower(name), "[^a-z0-9]", "-")
        if string.sub(plain, 1, 8) == "x-token-" or OURS[plain] or OVERRIDES[plain] then
            txn.http:req_del_header(name)
        end
    end
end

local function pass(txn, response)
    remove_claims(txn)
    for _, name in ipairs(CLAIMS) do
        local value = first(response, name)
        if value then txn.http:req_set_header(name, value) end
    end
    txn.http:req_del_header("authorization")
    txn.http:req_del_header("dpop")
    txn:set_var("txn.chancery_nonce", first(response, "dpop-nonce") or "")
end

core.register_action("chancery_check", { "http-req" }, function(txn, place)
    assert(string.match(place, "^[A-Za-z0-9][A-Za-z0-9._-]*$"), "chancery_check: no name")
    local good, response = pcall(ask, txn, place)
    if good and response and response.status == 200 then
        pass(txn, response)
    else
        refuse(txn, good and response or nil)
    end
end, 1)
