using PcieOe.Host.FrontEnds.VfioUser.Wire;

namespace PcieOe.Host.FrontEnds.VfioUser.Session;

/// <summary>What the worker gives back with an answer, so that a reply can be written: message id 15:0, command 30:16, no reply 31, a mapping's number 62:32.</summary>
internal readonly record struct ReplyContext(long Value)
{
    public ReplyContext(in MessageHeader header, int mapping = 0)
        : this(header.Id | (long)((uint)header.Command & 0x7FFF) << 16 | (header.WantsReply ? 0 : 1L << 31) | (long)mapping << 32)
    {
    }

    public ushort MessageId => (ushort)Value;

    public Command Command => (Command)(Value >> 16 & 0x7FFF);

    public bool WantsReply => (Value & 1L << 31) == 0;

    public int Mapping => (int)(Value >> 32);
}
