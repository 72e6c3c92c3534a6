using PcieOe.Daemon.Hosting;
using PcieOe.Host;
using PcieOe.Host.Configuration;

return DaemonProgram.Run(
    "pcieoe-host",
    "Attaches PCIe functions of targets over raw Ethernet, and serves them to guests (vfio-user), to block clients (NBD) and to its own driver.",
    args,
    HostOptions.Read,
    (options, loggers) => new HostDaemon(options, loggers));
