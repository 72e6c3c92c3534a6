using PcieOe.Daemon.Hosting;
using PcieOe.Target;
using PcieOe.Target.Configuration;

return DaemonProgram.Run(
    "pcieoe-target",
    "Serves software PCIe functions (NVMe flash) to hosts over raw Ethernet.",
    args,
    TargetOptions.Read,
    (options, loggers) => new TargetDaemon(options, loggers));
