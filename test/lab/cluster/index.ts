/** The embedded cluster: what other folders may import. */
export {
  type Place,
  type Run,
  CommandFailed,
  runInLab,
  spawnInLab,
  withoutProxies,
} from "./command.ts";
export { restartApiServer, startApiServer, stopApiServer } from "./api-server-control.ts";
export { type Daemon, daemonPid, startDaemon, stopDaemon } from "./daemons.ts";
export { deployedStacks } from "./deployed.ts";
export { ensureCluster, takeDown } from "./ensure.ts";
export { ctr, importIntoLab } from "./images.ts";
export { binDir, kubectl } from "./kubectl.ts";
export { type Lab, openLab } from "./lab.ts";
export { authorityFile, OTHER_REGISTRY } from "./node.ts";
export { enterCommand, runningSandbox, sandboxInit } from "./sandbox.ts";
