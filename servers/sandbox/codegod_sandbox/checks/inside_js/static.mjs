// Everything that can be said about JavaScript and TypeScript without running it: syntax, rules, types.
//
// Reads a request on stdin ({files, packages, installed, manifest}), looks at the project in the working directory and
// writes findings to stdout. Nothing of the project is loaded: its settings are read as data.
import { createRequire, builtinModules } from "node:module";
import fs from "node:fs";
import path from "node:path";

const [tools] = process.argv.slice(2);
const load = createRequire(path.join(tools, "node_modules", "index.js"));
const ts = load("typescript");
const request = JSON.parse(fs.readFileSync(0, "utf8"));
const here = process.cwd();
const SCRIPT = /\.([cm]?[jt]s|[jt]sx)$/;
const TEST = /(\.(test|spec)\.([cm]?[jt]s|[jt]sx)$)|(^|\/)(tests?|__tests__)\//;
// What is wrong in plain JavaScript too, where most of what a type checker says is a guess.
const JS_CODES = new Set([2304, 2552, 2305, 2307, 2613, 2614, 2724, 2451, 2588, 1308, 1378]);
const TEST_CODES = new Set([2304, 2552, 2305, 2307, 2613, 2614, 2724, 1308]);
const UNTYPED_PACKAGE = 7016;
const FOLLOWS_UNTYPED = new Set([7006, 7031, 7019, 7053]);
const NO_MODULE = new Set([2307, 2792]);
// Settings of a project that say what the code is, and none that says what is let through.
const KEPT = [
  "target", "lib", "module", "moduleResolution", "jsx", "jsxImportSource", "baseUrl", "paths", "esModuleInterop",
  "allowSyntheticDefaultImports", "experimentalDecorators", "emitDecoratorMetadata", "useDefineForClassFields",
  "resolveJsonModule", "verbatimModuleSyntax", "isolatedModules", "types", "noUncheckedIndexedAccess",
];
const FORMAT_LIMIT = 40;
const aliases = [];
const ambient = [];
const found = { syntax: [], rules: [], types: [], lint: [] };

const scripts = request.files.filter((file) => SCRIPT.test(file) && !file.endsWith(".d.ts"));
const sources = new Map();
for (const file of scripts) {
  const text = fs.readFileSync(file, "utf8");
  sources.set(file, ts.createSourceFile(path.join(here, file), text, ts.ScriptTarget.Latest, true));
}
const broken = new Set();
for (const [file, source] of sources) {
  const first = source.parseDiagnostics[0];
  if (first) {
    broken.add(file);
    tell("syntax", file, lineOf(source, first.start), "syntax", text(first));
  }
}
const timed = {};
let options;
timed.rules = clock(() => {
  options = settings();
  for (const [file, source] of sources) {
    if (!broken.has(file)) rules(file, source);
  }
});
timed.types = clock(types);
timed.syntax = await clockAsync(markup);
process.stdout.write(JSON.stringify({ found, timed, broken: [...broken] }));

function types() {
  const names = scripts.filter((file) => !broken.has(file)).map((file) => path.join(here, file));
  if (!names.length) return;
  const declared = request.files.filter((file) => file.endsWith(".d.ts")).map((file) => path.join(here, file));
  const program = ts.createProgram({ rootNames: [...names, ...declared, ...ambient], options });
  const checker = program.getTypeChecker();
  for (const name of names) {
    const source = program.getSourceFile(name);
    const file = path.relative(here, name);
    if (!source) continue;
    const wrong = program.getSyntacticDiagnostics(source)[0];
    if (wrong) {
      tell("syntax", file, lineOf(source, wrong.start), "syntax", text(wrong));
      continue;
    }
    const all = program.getSemanticDiagnostics(source).filter((each) => each.category === ts.DiagnosticCategory.Error);
    const untyped = all.some((each) => each.code === UNTYPED_PACKAGE);
    for (const each of all) judge(file, source, each, untyped);
    floating(file, source, checker);
  }
}

function judge(file, source, each, untyped) {
  const js = /\.([cm]?js|jsx)$/.test(file);
  if (js && !JS_CODES.has(each.code)) return;
  const words = text(each);
  if (NO_MODULE.has(each.code)) {
    const module = /'([^']+)'/.exec(words)?.[1] ?? "";
    // Other people's packages are judged by the rule `unknown-package`, and only where it is known what is installed.
    if (!module.startsWith(".")) return;
    if (/\.(css|scss|sass|less|svg|png|jpe?g|gif|webp|vue|svelte|html|txt|woff2?)(\?.*)?$/.test(module)) return;
  }
  let advice = each.code === UNTYPED_PACKAGE || (untyped && FOLLOWS_UNTYPED.has(each.code));
  if (isTest(file) && !TEST_CODES.has(each.code)) advice = true;
  tell("types", file, lineOf(source, each.start), `TS${each.code}`, words, advice);
}

function floating(file, source, checker) {
  visit(source, (node) => {
    if (!ts.isExpressionStatement(node)) return;
    let call = node.expression;
    if (!ts.isCallExpression(call)) return;
    const name = ts.isPropertyAccessExpression(call.expression) ? call.expression.name.text : call.expression.getText();
    if (["catch", "then", "finally"].includes(name) || /^(it|test|describe|suite|before|after)(Each|All)?$/.test(name)) return;
    const around = functionAround(node);
    if (!around) return; // at the top of a file: the start of a program
    const type = checker.getTypeAtLocation(call);
    if (!isPromise(type, checker)) return;
    const waits = around.modifiers?.some((each) => each.kind === ts.SyntaxKind.AsyncKeyword) ?? false;
    const message = `The promise of \`${short(call)}\` is not awaited, so its errors are lost: write \`await\` before it.`;
    tell("types", file, lineOf(source, node.getStart()), "floating-promise", message, !waits);
  });
}

function isPromise(type, checker) {
  const parts = type.isUnion() ? type.types : [type];
  return parts.some((each) => {
    const name = each.getSymbol()?.getName() ?? "";
    return name === "Promise" || name === "PromiseLike";
  });
}

function settings() {
  const config = ["tsconfig.app.json", "tsconfig.json", "frontend/tsconfig.json", "client/tsconfig.json", "jsconfig.json"]
    .filter((file) => request.files.includes(file))
    .sort((one, other) => Number(other === "tsconfig.json") - Number(one === "tsconfig.json"));
  let own = {};
  for (const file of config) {
    const read = ts.readConfigFile(file, (name) => fs.readFileSync(name, "utf8"));
    if (read.error) {
      tell("syntax", file, 1, "syntax", text(read.error));
      continue;
    }
    const base = path.join(here, path.dirname(file));
    const parsed = ts.convertCompilerOptionsFromJson(read.config?.compilerOptions ?? {}, base, file);
    for (const error of parsed.errors) tell("types", file, 1, `TS${error.code}`, text(error));
    own = { ...parsed.options, ...own };
    aliases.push(...Object.keys(parsed.options.paths ?? {}));
  }
  const kept = Object.fromEntries(KEPT.filter((name) => own[name] !== undefined).map((name) => [name, own[name]]));
  const options = {
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    jsx: ts.JsxEmit.ReactJSX,
    esModuleInterop: true,
    resolveJsonModule: true,
    ...kept,
    strict: true,
    allowJs: true,
    checkJs: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    forceConsistentCasingInFileNames: true,
    ignoreDeprecations: "5.0",
    typeRoots: [path.join(here, "node_modules/@types"), path.join(tools, "node_modules/@types")],
  };
  if (kept.module !== undefined && kept.moduleResolution === undefined) delete options.moduleResolution;
  // `vite/client` and the like are files of a package, and no package of types: they are read as such.
  const wanted = [...(kept.types ?? []), ...(fs.existsSync(path.join(here, "node_modules/vite")) ? ["vite/client"] : [])];
  for (const name of wanted) {
    const file = path.join(here, "node_modules", `${name}.d.ts`);
    if (name.includes("/") && fs.existsSync(file) && !ambient.includes(file)) ambient.push(file);
  }
  if (kept.types) {
    const there = (name) => fs.existsSync(path.join(here, "node_modules", name)) || fs.existsSync(path.join(here, "node_modules/@types", name));
    options.types = [...new Set([...kept.types.filter((name) => !ambient.some((file) => file.endsWith(`/${name}.d.ts`)) && there(name)), "node"])];
  }
  return options;
}

function rules(file, source) {
  const test = isTest(file);
  const checks = test ? checkers(source) : new Set();
  visit(source, (node) => {
    if (test && ts.isCallExpression(node)) testCase(file, source, node, checks);
    if (test && ts.isCallExpression(node)) alwaysTrue(file, source, node);
    imported(file, source, node);
    if (test) return;
    if (ts.isThrowStatement(node) && isStub(node.expression)) {
      const message = `\`${nameAround(node)}\` throws "not implemented": write the code that does what it promises.`;
      tell("rules", file, lineOf(source, node.getStart()), "placeholder", message);
    }
    emptyBody(file, source, node);
    endless(file, source, node);
    injected(file, source, node);
  });
}

// `throw new Error("not implemented")`, with anything behind it, or an error called NotImplementedError.
function isStub(thrown) {
  if (!thrown || !ts.isNewExpression(thrown)) return false;
  const name = thrown.expression.getText();
  if (/(^|\.)NotImplemented(Error)?$/.test(name)) return true;
  const first = thrown.arguments?.[0];
  const said = first && (ts.isStringLiteralLike(first) ? first.text : ts.isTemplateExpression(first) ? first.head.text : "");
  return /Error$/.test(name) && /^\s*(todo\b.*)?not (yet )?implemented\b/i.test(said || "");
}

function emptyBody(file, source, node) {
  const method = ts.isMethodDeclaration(node);
  if (!(ts.isFunctionDeclaration(node) || method) || !node.body || node.body.statements.length) return;
  const name = node.name?.getText() ?? "";
  if (/^(_|noop\b)/.test(name) || ts.getDecorators?.(node)?.length) return;
  const exported = node.modifiers?.some((each) => each.kind === ts.SyntaxKind.ExportKeyword);
  const promisesNothing = !node.parameters.length && /^(void|Promise<void>)$/.test(node.type?.getText() ?? "");
  if (promisesNothing || !(method || exported)) return;
  if (method && (!ts.isClassLike(node.parent) || node.parent.heritageClauses?.length)) return;
  if (/\S/.test(node.body.getText().slice(1, -1))) return; // a comment says why
  tell("rules", file, lineOf(source, node.getStart()), "placeholder", `\`${name}\` has an empty body: write the code that does what it promises.`);
}

function endless(file, source, node) {
  const forever = (ts.isWhileStatement(node) && node.expression.kind === ts.SyntaxKind.TrueKeyword)
    || (ts.isForStatement(node) && !node.condition);
  if (!forever) return;
  let ends = false;
  visit(node.statement, (each) => {
    if (ts.isBreakStatement(each) || ts.isReturnStatement(each) || ts.isThrowStatement(each)) ends = true;
    if (ts.isAwaitExpression(each) || ts.isYieldExpression(each)) ends = true;
    if (ts.isCallExpression(each) && /\bexit$/.test(each.expression.getText())) ends = true;
  });
  if (!ends) tell("rules", file, lineOf(source, node.getStart()), "endless-loop", "This loop never ends: nothing in it breaks, returns or waits.");
}

function injected(file, source, node) {
  const line = () => lineOf(source, node.getStart());
  if (ts.isCallExpression(node) && node.arguments.length) {
    const name = node.expression.getText().split(".").pop();
    const first = resolved(node.arguments[0], node);
    if (["query", "execute", "exec", "run", "all", "get", "prepare", "raw", "each", "$queryRawUnsafe"].includes(name) && sqlValue(first)) {
      tell("rules", file, line(), "sql-injection", "A value is written into SQL text: use a placeholder and pass the value apart.");
    }
    if (["insertAdjacentHTML", "write"].includes(name) && (name !== "write" || /^document\./.test(node.expression.getText())) && rawHtml(node.arguments[node.arguments.length - 1])) {
      tell("rules", file, line(), "html-injection", "A value is written into HTML, where it may be a script: use `textContent`, or escape it.");
    }
    if (["exec", "execSync"].includes(name) && glued(first) && /child_process/.test(source.text)) {
      tell("rules", file, line(), "shell-injection", "A value is written into a shell command: use `execFile` with a list of arguments.");
    }
  }
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken
    && /\.(innerHTML|outerHTML)$/.test(node.left.getText()) && rawHtml(node.right)) {
    tell("rules", file, line(), "html-injection", "A value is written into HTML, where it may be a script: use `textContent`, or escape it.");
  }
}

function resolved(expression, from) {
  if (!ts.isIdentifier(expression)) return expression;
  const scope = functionAround(from) ?? from.getSourceFile();
  let value = expression;
  visit(scope, (each) => {
    if (ts.isVariableDeclaration(each) && each.initializer && each.name.getText() === expression.text) value = each.initializer;
  });
  return value;
}

function glued(node) {
  return (ts.isTemplateExpression(node) && node.templateSpans.length > 0)
    || (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken && !ts.isStringLiteralLike(node.right));
}

function sqlValue(node) {
  const before = /(['"%=<>]|\b(LIKE|LIMIT|OFFSET|VALUES\s*\(|IN\s*\())\s*$/i;
  const harmless = /^(Number|parseInt|parseFloat|.*\.(length|map|join)\b)|placeholder|column|field|clause/i;
  if (ts.isTemplateExpression(node)) {
    if (!/\b(SELECT|INSERT|UPDATE|DELETE|REPLACE|WHERE)\b/i.test(node.getText())) return false;
    let text = node.head.text;
    for (const span of node.templateSpans) {
      if (before.test(text) && !harmless.test(span.expression.getText())) return true;
      text = span.literal.text;
    }
    return false;
  }
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    if (!/["'`]\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE)\b/i.test(node.getText())) return false;
    const parts = pieces(node);
    return parts.some((each, i) => i && !ts.isStringLiteralLike(each) && ts.isStringLiteralLike(parts[i - 1])
      && before.test(parts[i - 1].text) && !harmless.test(each.getText()));
  }
  return false;
}

function pieces(node) {
  return ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken ? [...pieces(node.left), node.right] : [node];
}

// A name or a property stands bare in the text; a call may escape, a number and a condition are none.
function rawHtml(node) {
  const raw = (each) => (ts.isPropertyAccessExpression(each) && !/\.(length|id|size|count|index|className)$/.test(each.getText()))
    || (ts.isIdentifier(each) && /^(text|title|name|message|content|body|value|input|description|comment|query|html|user\w*)$/i.test(each.text));
  if (ts.isTemplateExpression(node)) return node.templateSpans.some((span) => raw(span.expression));
  if (ts.isBinaryExpression(node)) return pieces(node).some((each, i) => !ts.isStringLiteralLike(each) && raw(each));
  return ts.isPropertyAccessExpression(node) && /(value|search|hash|data|body)$/.test(node.getText());
}

function imported(file, source, node) {
  let module = "";
  if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) module = node.moduleSpecifier.text;
  else if (ts.isCallExpression(node) && (node.expression.kind === ts.SyntaxKind.ImportKeyword || node.expression.getText() === "require")
    && node.arguments[0] && ts.isStringLiteralLike(node.arguments[0])) module = node.arguments[0].text;
  if (!module || request.packages === null || /^[./#]|^(node|data|https?|virtual|bun|astro):|^[@~$]\//.test(module)) return;
  const name = module.split("/").slice(0, module.startsWith("@") ? 2 : 1).join("/");
  if (builtinModules.includes(name) || builtinModules.includes(module)) return;
  if (request.packages.includes(name) || request.packages.includes(`@types/${name}`) || request.installed?.includes(name)) return;
  if (aliased(module)) return;
  const message = `\`${name}\` is neither installed nor in package.json. If there is such a package, declare it; if not, write the code without it.`;
  tell("rules", file, lineOf(source, node.getStart()), "unknown-package", message);
}

function aliased(module) {
  return aliases.some((alias) => module === alias || module.startsWith(alias.replace(/\*$/, "")));
}

function testCase(file, source, node, checks) {
  const name = node.expression.getText().replace(/\.(only|concurrent|sequential|each\(.*)$/s, "");
  if (!["it", "test"].includes(name)) return;
  const body = node.arguments.find((each) => ts.isArrowFunction(each) || ts.isFunctionExpression(each));
  if (!body) return;
  let checked = false;
  visit(body, (each) => {
    if (!ts.isCallExpression(each)) return;
    const called = each.expression.getText();
    if (/(^|\.)(expect\w*|assert\w*|should|toMatchSnapshot|fail)\b/.test(called) || /^t\.(is|equal|deepEqual|true|ok|assert)/.test(called)) checked = true;
    if (checks.has(called) || /expect|assert|check|verify|should/i.test(called.split(".").pop())) checked = true;
  });
  if (!checked) {
    const title = node.arguments[0]?.getText().slice(0, 60) ?? "";
    tell("rules", file, lineOf(source, node.getStart()), "no-assertion", `The test ${title} checks nothing: use \`expect\` or \`assert\`.`);
  }
}

function checkers(source) {
  const names = new Set();
  visit(source, (node) => {
    if ((ts.isFunctionDeclaration(node) || ts.isVariableDeclaration(node)) && node.name && /\b(expect|assert)\b/.test(node.getText())) names.add(node.name.getText());
  });
  return names;
}

function alwaysTrue(file, source, node) {
  const called = node.expression;
  let empty = false;
  const constant = (each) => each && (ts.isLiteralExpression(each) || [ts.SyntaxKind.TrueKeyword, ts.SyntaxKind.FalseKeyword, ts.SyntaxKind.NullKeyword].includes(each.kind));
  if (/^assert(\.ok)?$/.test(called.getText())) empty = node.arguments[0]?.kind === ts.SyntaxKind.TrueKeyword;
  else if (/^assert\.\w*[eE]qual$/.test(called.getText())) empty = constant(node.arguments[0]) && constant(node.arguments[1]);
  else if (ts.isPropertyAccessExpression(called)) {
    const base = called.expression;
    if (ts.isCallExpression(base) && base.expression.getText() === "expect" && constant(base.arguments[0])) {
      empty = /^to(Be|Equal|StrictEqual|BeTruthy|BeFalsy|BeDefined|BeNull)$/.test(called.name.text);
    }
  }
  if (empty) tell("rules", file, lineOf(source, node.getStart()), "assert-true", `\`${short(node)}\` holds whatever the code does: compare what the code returned.`);
}

// CSS and HTML parse or do not; how everything is laid out is advice.
async function markup() {
  const prettier = load("prettier");
  let asked = 0;
  for (const file of request.files) {
    const style = /\.(css|scss|less)$/.test(file);
    if (!(style || /\.html?$/.test(file) || SCRIPT.test(file)) || broken.has(file) || asked >= FORMAT_LIMIT) continue;
    if (file.endsWith(".d.ts") || fs.statSync(file).size > 100_000) continue;
    asked += 1;
    const content = fs.readFileSync(file, "utf8");
    try {
      const laid = await prettier.format(content, { filepath: file, printWidth: 110 });
      if (laid.split("\n").length > content.split("\n").length * 2 + 10) {
        tell("lint", file, 1, "unformatted", "Many statements stand on one line: write one on each.", true);
      }
    } catch (error) {
      if (error?.name !== "SyntaxError" || SCRIPT.test(file) || /\{\{|\{%|<%/.test(content)) continue;
      const line = error.loc?.start?.line ?? error.loc?.line ?? 1;
      tell("syntax", file, line, "syntax", String(error.message).split("\n")[0].slice(0, 200));
    }
  }
}

function visit(node, see) {
  const waiting = [node];
  while (waiting.length) {
    const each = waiting.pop();
    if (each !== node || !ts.isSourceFile(each)) see(each);
    ts.forEachChild(each, (child) => void waiting.push(child));
  }
}

function functionAround(node) {
  for (let each = node.parent; each; each = each.parent) if (ts.isFunctionLike(each)) return each;
  return undefined;
}

function nameAround(node) {
  const around = functionAround(node);
  return around?.name?.getText() ?? around?.parent?.name?.getText?.() ?? "the code";
}

function isTest(file) { return TEST.test(file); }
function short(node) { return node.getText().replace(/\s+/g, " ").slice(0, 60); }
function text(each) { return ts.flattenDiagnosticMessageText(each.messageText, " ").slice(0, 300); }
function lineOf(source, position) { return source.getLineAndCharacterOfPosition(position ?? 0).line + 1; }
function tell(stage, file, line, rule, message, advice = false) { found[stage].push({ path: file, line, rule, message, advice }); }
function clock(work) { const started = performance.now(); work(); return (performance.now() - started) / 1000; }
async function clockAsync(work) { const started = performance.now(); await work(); return (performance.now() - started) / 1000; }
