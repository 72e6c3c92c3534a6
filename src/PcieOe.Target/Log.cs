using Microsoft.Extensions.Logging;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Sessions;

namespace PcieOe.Target;

/// <summary>What the target logs; event ids 200 to 299.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 200, Level = LogLevel.Information, Message = "Target {Name} serves {Functions} functions on {Interface} ({Address}), MTU {Mtu}, {Security}.")]
    public static partial void Started(ILogger logger, string name, int functions, string @interface, MacAddress address, int mtu, string security);

    [LoggerMessage(EventId = 201, Level = LogLevel.Information, Message = "Host {Host} at {Address} attached function {Function} ({Start}, keyed: {IsKeyed}).")]
    public static partial void HostAttached(ILogger logger, string host, MacAddress address, string function, SessionStart start, bool isKeyed);

    [LoggerMessage(EventId = 202, Level = LogLevel.Information, Message = "Host {Host} left function {Function}: {Reason}.")]
    public static partial void HostDetached(ILogger logger, string host, string function, SessionEnd reason);

    [LoggerMessage(EventId = 203, Level = LogLevel.Information, Message = "Draining: hosts are told, media are flushed.")]
    public static partial void Draining(ILogger logger);

    [LoggerMessage(EventId = 204, Level = LogLevel.Information, Message = "Function {Function} may now be attached by {Hosts}.")]
    public static partial void FunctionAssigned(ILogger logger, string function, string hosts);
}
