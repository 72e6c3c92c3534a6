using Microsoft.Extensions.Logging;

namespace PcieOe.Host.FrontEnds.Nbd;

/// <summary>What the NBD server logs; event ids 420 to 439. What a client can bring about at will is limited in rate by the caller.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 420, Level = LogLevel.Information, Message = "{Address}: serving {Devices} attachments to NBD clients.")]
    public static partial void Serving(ILogger logger, NbdAddress address, int devices);

    [LoggerMessage(EventId = 421, Level = LogLevel.Information, Message = "{Address}: a client uses export {Export}.")]
    public static partial void ClientCame(ILogger logger, NbdAddress address, string export);

    [LoggerMessage(EventId = 422, Level = LogLevel.Warning, Message = "{Address}: a client was cut off: {Reason}.")]
    public static partial void ClientCut(ILogger logger, NbdAddress address, string reason);

    [LoggerMessage(EventId = 423, Level = LogLevel.Error, Message = "{Address}: the server failed; it serves nobody any more.")]
    public static partial void ServerFailed(ILogger logger, NbdAddress address, Exception exception);
}
