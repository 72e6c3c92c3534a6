using PcieOe.Protocol.Sessions;

namespace PcieOe.Host.Engine;

/// <summary>What the loss of a session means to the person who reads of it.</summary>
internal static class SessionEndText
{
    internal static string Of(SessionEnd reason) => reason switch
    {
        SessionEnd.Shutdown => "the target goes down; it is looked for until it is back.",
        SessionEnd.StateLost => "the target was started anew and knows the session no more; a new one begins.",
        SessionEnd.Released => "the target has taken the function away, and this attachment ends: it takes 'pcieoe assign' on the target and a restart of this daemon to have it again.",
        SessionEnd.Replaced => "another daemon by this host's name has attached the function, and this attachment ends: give each host a name of its own.",
        _ => $"the target ended it ({reason}).",
    };
}
