using PcieOe.Protocol.Link;

namespace PcieOe.Cli.LinkBench;

/// <summary>Has TLPs to send, as many as the links take.</summary>
internal interface ILaneSource
{
    /// <summary>Reserves and commits TLPs for so many frames, or fewer if the link takes no more.</summary>
    void Fill(LinkEngine engine, int session, int frames);
}
