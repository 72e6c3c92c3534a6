using Microsoft.Extensions.Logging;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Sessions;

namespace PcieOe.Host;

/// <summary>What the host agent logs; event ids 300 to 399.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 300, Level = LogLevel.Information, Message = "Host {Name} has {Attachments} attachments on {Interface} ({Address}), MTU {Mtu}.")]
    public static partial void Started(ILogger logger, string name, int attachments, string @interface, MacAddress address, int mtu);

    [LoggerMessage(EventId = 301, Level = LogLevel.Information, Message = "Attachment {Attachment}: session {Kind} with target {Target}, function {Function}, MTU {Mtu}, keyed: {IsKeyed}.")]
    public static partial void SessionEstablished(ILogger logger, string attachment, HostSessionKind kind, string target, string function, int mtu, bool isKeyed);

    [LoggerMessage(EventId = 302, Level = LogLevel.Warning, Message = "Attachment {Attachment}: the target does not answer. What is under way is kept, and goes on when it is back.")]
    public static partial void Outage(ILogger logger, string attachment);

    [LoggerMessage(EventId = 303, Level = LogLevel.Warning, Message = "Attachment {Attachment}: the session was lost ({Reason}): {Meaning}")]
    public static partial void SessionLost(ILogger logger, string attachment, SessionEnd reason, string meaning);

    [LoggerMessage(EventId = 304, Level = LogLevel.Warning, Message = "Attachment {Attachment}: {Problem}")]
    public static partial void Refused(ILogger logger, string attachment, string problem);

    [LoggerMessage(EventId = 305, Level = LogLevel.Warning, Message = "Attachment {Attachment}: {Problem}")]
    public static partial void NeverAnswered(ILogger logger, string attachment, string problem);
}
